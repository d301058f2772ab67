import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { User } from '../support/api.ts';
import { operatorSets } from '../support/operator.ts';
import { emptyPool } from '../support/pool.ts';
import type { FakeContainer } from '../support/runner.ts';
import { ran, sessionObject } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

/** What the agent gets for a call of one of the tools. */
async function use(container: FakeContainer, tool: string, input: object) {
  container.say({ notice: 'tool_call', call_id: crypto.randomUUID(), call: { tool, input } });
  return await container.answer();
}

const HALF_MB = 'é'.repeat(256 * 1024);

const servers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`s${at}`, { preset: 'time' }]));

describe('messages that wait in one session', () => {
  const full = { code: 'queue_full', detail: expect.stringContaining('MAX_QUEUE_MB') };

  it('have at most MAX_QUEUE_MB of text in all, by whichever way they come', async () => {
    operatorSets({ MAX_QUEUE_MB: 1 });
    const { user, id, container } = await ran();
    const chat = (prompt: unknown) => user.call('POST', `/sessions/${id}/chat`, { prompt });
    // Handed over at once, so it does not wait.
    await chat(HALF_MB);
    const { message_id } = await container.prompt();
    expect((await chat(HALF_MB)).status).toBe(202);
    expect((await chat(`${HALF_MB}x`)).body).toMatchObject(full);
    expect((await chat([{ type: 'text', text: HALF_MB }])).body).toMatchObject(full);
    const viewer = await user.open(id, '');
    viewer.send({ type: 'prompt', prompt: `${HALF_MB}x` });
    expect(await viewer.next(({ type }) => type === 'error')).toMatchObject(full);
    const wakeup = await use(container, 'schedule_wakeup', { in_seconds: 60, prompt: 'x'.repeat(32_768) });
    expect(wakeup).toMatchObject({ is_error: false });
    expect((await chat('x'.repeat(500_000))).body).toMatchObject(full);
    await chat('y'.repeat(450_000));
    const another = await use(container, 'schedule_wakeup', { in_seconds: 60, prompt: 'x'.repeat(32_768) });
    expect(another).toMatchObject({ is_error: false });
    const third = await use(container, 'schedule_wakeup', { in_seconds: 60, prompt: 'x'.repeat(32_768) });
    expect(third).toMatchObject({ is_error: true, text: expect.stringContaining('MAX_QUEUE_MB') });
    // What is handed over makes room.
    container.result(message_id, 'done');
    await container.prompt();
    expect((await chat('x'.repeat(400_000))).status).toBe(202);
  });

  it('are refused to a child too: its first, and those that its parent sends', async () => {
    operatorSets({ MAX_QUEUE_MB: 1 });
    const { user, id, container } = await ran();
    // As blocks it is a little more than its text.
    const big = { prompt: [{ type: 'text', text: HALF_MB + HALF_MB }] };
    expect((await user.call('POST', `/sessions/${id}/spawn`, big)).body).toMatchObject(full);
    const spawned = await use(container, 'spawn_session', { prompt: HALF_MB.slice(0, 30_000) });
    expect(spawned).toMatchObject({ is_error: false });
    const { child_session_id } = spawned.structured;
    await user.call('POST', `/sessions/${child_session_id}/chat`, { prompt: 'x'.repeat(980_000) });
    const sent = await use(container, 'send_to_child', { child_session_id, prompt: 'x'.repeat(30_000) });
    expect(sent).toMatchObject({ is_error: true, text: expect.stringContaining('MAX_QUEUE_MB') });
  });

  it('of the version before count as well', async () => {
    const user = new User();
    const id = await user.createSession();
    const chat = () => user.call('POST', `/sessions/${id}/chat`, { prompt: HALF_MB });
    await chat();
    await runInDurableObject(sessionObject(id), (_, { storage }) => {
      storage.sql.exec('DROP TABLE message_sizes');
      // It kept the text with the message.
      storage.sql.exec('UPDATE messages SET prompt = ?, text_seq = NULL', HALF_MB);
      storage.sql.exec('UPDATE schema_version SET version = 4');
    });
    operatorSets({ MAX_QUEUE_MB: 1 });
    await evict(sessionObject(id));
    expect((await chat()).status).toBe(202);
    expect((await chat()).body).toMatchObject(full);
  });
});

describe('MCP servers of one session', () => {
  const tooMany = {
    code: 'invalid_request',
    detail: expect.stringContaining('MAX_MCP_SERVERS'),
    errors: [{ path: 'config.mcp_servers' }],
  };

  it('are at most MAX_MCP_SERVERS, for a new one and for a child', async () => {
    const { user, id } = await ran({ config: { mcp_servers: servers(20) } });
    const call = (path: string, count: number, rest = {}) =>
      user.call('POST', path, { config: { mcp_servers: servers(count) }, ...rest });
    expect(await call('/sessions', 21)).toMatchObject({ status: 422, body: tooMany });
    expect(await call(`/sessions/${id}/spawn`, 21, { prompt: 'x' })).toMatchObject({ status: 422, body: tooMany });
    expect((await call(`/sessions/${id}/spawn`, 20, { prompt: 'x' })).status).toBe(201);
  });

  it('have no bound with 0', async () => {
    const authorization = `Bearer ${await new User().token}`;
    const body = JSON.stringify({ config: { mcp_servers: servers(100) } });
    const unbound = { ...env, MAX_MCP_SERVERS: '0' };
    const created = await createApp().request(
      '/api/v1/sessions',
      { method: 'POST', headers: { authorization }, body },
      unbound,
    );
    expect(created.status).toBe(201);
  });
});
