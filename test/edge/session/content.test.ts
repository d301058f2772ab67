import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES } from '../../../protocol/settings/limits.ts';
import { file, image, pdf, pdfDocument, png, text } from '../../support/content/samples.ts';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeContainer, FakeRunner, isCommand } from '../support/runner.ts';
import { sessionObject } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

async function scene() {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  const chat = (prompt: unknown, more: object = {}, headers: Record<string, string> = {}) =>
    user.call('POST', `/sessions/${id}/chat`, { prompt, ...more }, headers);
  const message = async (messageId: string) => (await user.call('GET', `/sessions/${id}/messages/${messageId}`)).body;
  return { user, runner, id, chat, message, container: await runner.start(id) };
}

/** How many characters of messages' blocks a session stores. */
const stored = (id: string, kind: 'data' | 'shown') =>
  runInDurableObject(sessionObject(id), (_, { storage: { sql } }) => {
    const rows = sql.exec<{ n: number | null }>(
      'SELECT sum(length(json)) AS n FROM message_content WHERE kind = ?',
      kind,
    );
    return rows.one().n ?? 0;
  });

/** A PDF of so many bytes: base64 makes a third more of them. */
const largePdf = (bytes: number) => pdfDocument(pdf(1, `%${'x'.repeat(bytes)}\n`), 'large');

const BLOCKS = [text('What is this?'), image(png()), pdfDocument(pdf(3), 'Plan'), file('image', 'shots/a.png')];
const SHOWN = {
  prompt: [
    'What is this?',
    `[image: image/png, ${png().length} bytes]`,
    `[document: "Plan", application/pdf, ${pdf(3).length} bytes]`,
    '[image: shots/a.png]',
  ].join('\n'),
  content: [
    text('What is this?'),
    { type: 'image', source: { type: 'base64', media_type: 'image/png', bytes: png().length } },
    {
      type: 'document',
      title: 'Plan',
      source: { type: 'base64', media_type: 'application/pdf', bytes: pdf(3).length },
    },
    file('image', 'shots/a.png'),
  ],
};

describe('a message of blocks', () => {
  it('reaches the container whole; people see sizes in place of data, then and later', async () => {
    const { user, id, chat, message, container } = await scene();
    const answer = chat(BLOCKS, { stream: false });
    const command = await container.prompt();
    expect(command).toMatchObject({ prompt: SHOWN.prompt, content: BLOCKS });
    expect(await message(command.message_id)).toMatchObject({ status: 'processing', ...SHOWN });
    container.result(command.message_id, 'A red dot');
    expect(await answer).toMatchObject({ status: 200, body: { result: 'A red dot', ...SHOWN } });
    const events = await user.events(id);
    expect(events.find(({ type }) => type === 'message.queued')?.data).toEqual({
      message_id: command.message_id,
      ...SHOWN,
    });
    expect(JSON.stringify(events)).not.toContain(btoa(png()));
    expect(await message(command.message_id)).toMatchObject(SHOWN);
  });

  it('can be sent on a WebSocket, and be large there too', async () => {
    const { user, id, container } = await scene();
    const viewer = await user.open(id, '?after=0');
    const blocks = [text('Read it.'), largePdf(MAX_BODY_BYTES)];
    viewer.send({ type: 'prompt', prompt: blocks, ref: 'r' });
    const accepted = await viewer.next(({ type }) => type === 'accepted' || type === 'error');
    expect(accepted).toEqual({ type: 'accepted', message_id: expect.any(String), ref: 'r' });
    expect(await container.prompt()).toMatchObject({ message_id: accepted.message_id, content: blocks });
    viewer.send({ type: 'prompt', prompt: [image('none')] });
    expect(await viewer.next(({ type }) => type === 'error')).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining('prompt.0: is no JPEG'),
    });
  });

  it('as large as allowed is kept while it waits, through an eviction and the end of its container, and no longer', async () => {
    const { user, runner, id, chat, message, container } = await scene();
    await chat('first');
    await container.prompt();
    const blocks = [text('Read it.'), largePdf(MAX_CONTENT_BYTES * 0.74)];
    const queued = await chat(blocks);
    expect(queued.status).toBe(202);
    await evict(sessionObject(id));
    await runner.end(container, 'out_of_memory');
    const again = await runner.start(id);
    const command = await again.prompt();
    expect(command.message_id).toBe(queued.body.message_id);
    expect(command).toMatchObject({ content: blocks });
    expect(await stored(id, 'data')).toBeGreaterThan(MAX_CONTENT_BYTES * 0.98);
    again.result(command.message_id, 'Read');
    await again.stored();
    expect(await stored(id, 'data')).toBe(0);
    expect(await message(command.message_id)).toMatchObject({ status: 'completed', content: [text('Read it.'), {}] });
    const shown = await stored(id, 'shown');
    expect(shown).toBeLessThan(500);
    expect((await user.call('GET', `/sessions/${id}/events?after=0&limit=1000`)).body.data).toBeDefined();
  });

  it('is handed over again to a wrapper that comes back without it', async () => {
    const { chat, container } = await scene();
    await chat(BLOCKS);
    await container.data.next(isCommand);
    const again = await FakeContainer.connect(container.launch, 0);
    expect(await again.prompt()).toMatchObject({ content: BLOCKS });
  });

  it('that ended before the wrapper took it is not handed over, and what comes after it keeps its place', async () => {
    const { user, id, chat, container } = await scene();
    await chat(BLOCKS);
    await container.data.next(isCommand);
    await user.call('POST', `/sessions/${id}/stop`);
    const again = await FakeContainer.connect(container.launch, 0);
    expect(await again.data.next(isCommand)).toEqual({ kind: 'command', number: 1, command: { command: 'skip' } });
  });

  it('is one for two calls with the same Idempotency-Key, and another for other data', async () => {
    const { chat } = await scene();
    const key = { 'idempotency-key': 'k' };
    const one = await chat(BLOCKS, {}, key);
    const two = await chat(BLOCKS, {}, key);
    expect(two.body.message_id).toBe(one.body.message_id);
    const other = await chat([BLOCKS[0], image(png(2, 1)), ...BLOCKS.slice(2)], {}, key);
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  it('whose file the container cannot give fails with the reason, and the session goes on', async () => {
    const { chat, message, container } = await scene();
    const first = await chat([file('image', 'gone.png')]);
    const second = await chat('then this');
    const { message_id } = await container.prompt();
    container.say({ notice: 'prompt_refused', message_id, detail: 'gone.png is not there.' });
    expect((await container.prompt()).message_id).toBe(second.body.message_id);
    expect(await message(first.body.message_id)).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_prompt_file', detail: 'gone.png is not there.' },
    });
    // Not of the message that runs: a container cannot end another one.
    container.say({ notice: 'prompt_refused', message_id: crypto.randomUUID(), detail: 'x' });
    container.result(second.body.message_id, 'done');
    await container.stored();
    expect(await message(second.body.message_id)).toMatchObject({ status: 'completed' });
  });
});

describe('a message is refused', () => {
  it.each([
    ['with an unknown block', [text('a'), { type: 'search_result' }], 'prompt.1.type'],
    ['with an image that is none', [image('hello')], 'prompt.0'],
    ['with a path out of the workspace', [file('image', '../x.png')], 'prompt.0.source.file'],
    ['that is an object', { text: 'a' }, 'prompt'],
    ['without blocks', [], 'prompt'],
  ])('%s', async (_, prompt, path) => {
    const { chat, container } = await scene();
    const answer = await chat(prompt);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } });
    expect(container.data.unread(isCommand)).toBe(0);
  });

  it('over the limit of its kind: text alone at 1 MiB, blocks at 20', async () => {
    const { user, id, chat } = await scene();
    const plain = await chat('x'.repeat(MAX_BODY_BYTES));
    expect(plain).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    expect(plain.body.detail).toContain(String(MAX_CONTENT_BYTES));
    expect(await chat([text('x'.repeat(MAX_BODY_BYTES + 1))])).toMatchObject({ status: 422 });
    expect((await chat([largePdf(MAX_BODY_BYTES)])).status).toBe(202);
    expect(await chat([largePdf(MAX_CONTENT_BYTES * 0.75)])).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    });
    const elsewhere = await user.call('POST', `/sessions/${id}/interrupt`, { prompt: [largePdf(MAX_BODY_BYTES)] });
    expect(elsewhere).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    const viewer = await user.open(id);
    viewer.send({ type: 'prompt', prompt: 'x'.repeat(MAX_BODY_BYTES) });
    expect((await viewer.closed()).code).toBe(4413);
  });
});
