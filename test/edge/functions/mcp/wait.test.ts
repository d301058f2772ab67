import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { spawnRequest } from '../../../../protocol/api/session/child.ts';
import { Api, type Serve } from '../../../../functions/mcp/api.ts';
import { serveMcp } from '../../../../functions/mcp/server.ts';
import { problemOf } from '../../../../functions/refuse.ts';
import { until } from '../../../support/until.ts';
import { stateless } from './support/stateless.ts';

/** MCP over an API that does what no session does on demand: it breaks off, is silent, refuses. */

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const session_id = '01890000-0000-7000-8000-000000000001';
const message_id = '01890000-0000-7000-8000-000000000002';
const NOW = '2026-01-02T03:04:05.678Z';
const ids = { session_id, message_id };

const QUESTION = {
  interaction_id: '01890000-0000-7000-8000-000000000003',
  session_id,
  state: 'open',
  subject: {
    kind: 'question',
    questions: [{ question: 'Which?', options: [], multi_select: false, free_text: true }],
  },
  priority: 'normal',
  created_at: NOW,
  deadline: NOW,
  default: null,
  detached: false,
  resolved_at: null,
  resolved_by: null,
  answerers: null,
  resolution: null,
};

/** What the session and the message are, until a test changes it. */
class FakeSession {
  status: 'processing' | 'completed' = 'processing';
  /** It asks something. */
  asks = false;
  /** The turn that asked is over, and nobody waits for the answer. */
  detached = false;
  reason: object | null = null;
  /** How often its stream was opened, and is open. */
  opened = 0;
  open = 0;
  controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  refuse: Response | null = null;
  sent: unknown;

  readonly serve: Serve = async (request) => {
    const { pathname } = new URL(request.url);
    if (this.refuse !== null) return this.refuse;
    if (request.method === 'POST') this.sent = await request.json();
    if (pathname.endsWith('/events')) return new Response(this.#stream());
    if (pathname.endsWith('/spawn')) {
      const answer = { child_session_id: session_id, parent_session_id: message_id, message_id, status: 'queued' };
      return Response.json({ ...answer, websocket_url: 'ws://x', callback_secret: 'whsec_hidden' }, { status: 201 });
    }
    if (pathname.endsWith('/chat')) return Response.json({ message_id, status: 'processing' }, { status: 202 });
    if (pathname.endsWith('/interactions'))
      return Response.json({ data: [{ ...QUESTION, detached: this.detached }], next_cursor: null });
    if (pathname.includes('/messages/')) {
      const ended = this.status === 'completed' ? NOW : null;
      const times = { created_at: NOW, started_at: NOW, finished_at: ended, settled_at: ended, retry_at: null };
      const rest = { origin: 'user', turns: [], background_tasks: [] };
      return Response.json({ ...ids, status: this.status, prompt: 'x', error: null, ...times, ...rest });
    }
    const open_interactions = this.asks ? 1 : 0;
    return Response.json({ status: 'running', reason: this.reason, last_seq: 7, open_interactions });
  };

  say(type: string, data: object): void {
    const text = `event: ${type}\ndata: ${JSON.stringify({ type, data })}\n\n`;
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  #stream(): ReadableStream<Uint8Array> {
    this.opened += 1;
    this.open += 1;
    return new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
      cancel: () => {
        this.open -= 1;
      },
    });
  }
}

function call(
  session: FakeSession,
  name: string,
  args: object,
  { _meta = {} }: { _meta?: object } = {},
  { signal, revision }: { signal?: AbortSignal; revision?: string } = {},
) {
  const said = revision === '2026-07-28' ? stateless('tools/call', name) : { headers: {}, _meta: {} };
  const params = { name, arguments: args, _meta: { ...said._meta, ..._meta } };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    ...said.headers,
  };
  const init = { method: 'POST', headers, body: JSON.stringify(body), ...(signal !== undefined && { signal }) };
  const api = new Api(session.serve, 'http://localhost', { authorization: 'Bearer x' });
  return serveMcp(new Request('http://localhost/mcp', init), 30, api);
}

/** The messages of an answer, as they come. */
async function* messages(response: Response) {
  const text = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
  for await (const chunk of text)
    for (const line of chunk.split('\n')) if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length));
}

async function last(response: Response) {
  let found;
  for await (const message of messages(response)) found = message;
  return found;
}

describe('a call that waits', () => {
  it('waits no more when the client hangs up in the middle of the answer', async () => {
    const session = new FakeSession();
    const response = await call(session, 'wait_for_result', ids);
    await until(() => expect(session.open).toBe(1));
    await response.body?.cancel();
    await until(() => expect(session.open).toBe(0));
    expect(session.opened).toBe(1);
  });

  it('waits no more when the request is aborted', async () => {
    const session = new FakeSession();
    const gone = new AbortController();
    await call(session, 'wait_for_result', ids, {}, { signal: gone.signal });
    await until(() => expect(session.open).toBe(1));
    gone.abort();
    await until(() => expect(session.open).toBe(0));
  });

  it('waits no more when a call without state is aborted, or its stream is not read on', async () => {
    const session = new FakeSession();
    const gone = new AbortController();
    const revision = '2026-07-28';
    // It is answered once, at its end.
    const answer = call(session, 'wait_for_result', ids, {}, { signal: gone.signal, revision });
    await until(() => expect(session.open).toBe(1));
    gone.abort();
    await until(() => expect(session.open).toBe(0));
    expect((await answer).status).toBe(499);
    const response = await call(session, 'wait_for_result', ids, { _meta: { progressToken: 'p' } }, { revision });
    await until(() => expect(session.open).toBe(1));
    await response.body?.cancel();
    await until(() => expect(session.open).toBe(0));
  });

  it('leaves no stream open when it is answered', async () => {
    const session = new FakeSession();
    const response = await call(session, 'wait_for_result', ids);
    await until(() => expect(session.open).toBe(1));
    session.status = 'completed';
    session.say('message.completed', { message_id });
    expect((await last(response)).result.structuredContent).toMatchObject({ state: 'completed' });
    expect(session.open).toBe(0);
  });

  it.each([
    ['wait_for_result', ids],
    ['send_message', { session_id, prompt: 'x', wait: true }],
  ])('returns with what the agent asks meanwhile (%s)', async (name, given) => {
    const session = new FakeSession();
    const response = last(await call(session, name, given));
    await until(() => expect(session.open).toBe(1));
    session.asks = true;
    session.say('interaction.opened', {});
    const { structuredContent } = (await response).result;
    expect(structuredContent).toMatchObject({ ...ids, state: 'needs_answer', asked: [{ state: 'open' }] });
  });

  it('waits on while somebody else answers, when told so', async () => {
    const session = new FakeSession();
    session.asks = true;
    const given = { ...ids, return_on_question: false };
    const response = last(await call(session, 'wait_for_result', given));
    await until(() => expect(session.open).toBe(1));
    session.status = 'completed';
    session.say('message.completed', { message_id });
    expect((await response).result.structuredContent).toMatchObject({ state: 'completed' });
  });

  it('does not take a question of an earlier turn, which nobody waits for any more, for one of this message', async () => {
    const session = new FakeSession();
    session.asks = true;
    session.detached = true;
    const response = await call(session, 'wait_for_result', { ...ids, timeout_seconds: 0 });
    const { structuredContent } = (await last(response)).result;
    expect(structuredContent).toMatchObject({ ...ids, state: 'working', asked: [] });
  });

  it('returns when the budget is spent, for nothing happens until a person raises it', async () => {
    const session = new FakeSession();
    const response = last(await call(session, 'wait_for_result', ids));
    await until(() => expect(session.open).toBe(1));
    session.reason = { code: 'budget_reached', detail: '5 of 5 USD are spent.' };
    session.say('session.budget', { state: 'reached' });
    const { structuredContent } = (await response).result;
    expect(structuredContent).toMatchObject({ state: 'paused', next_step: expect.stringContaining('5 of 5 USD') });
  });

  it('goes on through a stream that breaks, but not without end', async () => {
    const session = new FakeSession();
    vi.spyOn(console, 'error').mockReturnValue();
    const response = last(await call(session, 'wait_for_result', ids));
    for (let times = 1; times <= 6; times += 1) {
      await until(() => expect(session.opened).toBe(times));
      session.controller?.error(new Error('broken'));
    }
    expect((await response).error).toMatchObject({ code: -32603 });

    const again = new FakeSession();
    const answer = last(await call(again, 'wait_for_result', ids));
    await until(() => expect(again.opened).toBe(1));
    again.controller?.error(new Error('broken'));
    await until(() => expect(again.opened).toBe(2));
    again.status = 'completed';
    again.controller?.close();
    expect((await answer).result.structuredContent).toMatchObject({ state: 'completed' });
  });

  it.each(['2025-11-25', '2026-07-28'])('tells a client of %s every ten seconds that it goes on', async (revision) => {
    const session = new FakeSession();
    const response = await call(session, 'wait_for_result', ids, { _meta: { progressToken: 'p' } }, { revision });
    const told = messages(response);
    const next = async () => (await told.next()).value;
    expect(await next()).toMatchObject({ params: { progressToken: 'p', progress: 0, total: 120 } });
    await until(() => expect(session.open).toBe(1));
    session.say('assistant', { message: { content: [{ type: 'text', text: 'Half of it.' }] } });
    // Once this one is read, that one was heard.
    session.say('user', {});
    await until(() => expect(session.controller?.desiredSize).toBe(1));
    vi.advanceTimersByTime(10_000);
    expect(await next()).toMatchObject({ params: { progress: 10, message: 'Half of it.' } });
    vi.advanceTimersByTime(10_000);
    expect(await next()).toMatchObject({ params: { progress: 20 } });
    session.status = 'completed';
    session.say('message.completed', { message_id });
    expect(await next()).toMatchObject({ result: { structuredContent: { state: 'completed' } } });
    vi.advanceTimersByTime(60_000);
    expect(await told.next()).toMatchObject({ done: true });
  });

  it.each([
    ['two minutes by itself', {}, 1, 120],
    ['as long as it is told to', { timeout_seconds: 600 }, 1, 600],
    ['less than the minute after which clients give up that are not told of progress', {}, undefined, 50],
    ['so even when such a client asks for more', { timeout_seconds: 600 }, undefined, 50],
    ['as short as such a client asks for', { timeout_seconds: 5 }, undefined, 5],
  ])('waits %s', async (_, given, progressToken, seconds) => {
    const session = new FakeSession();
    session.status = 'completed';
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    await last(await call(session, 'wait_for_result', { ...ids, ...given }, { _meta: { progressToken } }));
    expect(timeout).toHaveBeenCalledWith(seconds * 1000);
  });
});

describe('spawn_child', () => {
  it('sends what the API takes, and shows no key', async () => {
    const session = new FakeSession();
    const args = { session_id, prompt: 'Look.', title: 'looks', workspace: 'clone', model: 'haiku', budget_usd: 1 };
    const { result } = await last(await call(session, 'spawn_child', args));
    expect(spawnRequest.parse(session.sent)).toEqual({
      prompt: 'Look.',
      title: 'looks',
      workspace: { type: 'clone' },
      config: { model: 'haiku', budget_usd: 1 },
    });
    expect(result.structuredContent).toMatchObject({ child_session_id: session_id, message_id, status: 'queued' });
    expect(JSON.stringify(result)).not.toContain('hidden');
  });

  it('says what to do when the tree is as deep as it may be', async () => {
    const session = new FakeSession();
    const problem = problemOf({ refused: 'spawn_depth_exceeded', detail: 'At most 5 deep.' });
    session.refuse = Response.json(problem, { status: problem.status });
    const { result } = await last(await call(session, 'spawn_child', { session_id, prompt: 'x' }));
    expect(result.isError).toBe(true);
    expect(result.content[0].text).toMatch(/spawn_depth_exceeded.*At most 5 deep\. Do not try again/);
  });
});
