import { runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { image, png, text } from '../../support/content/samples.ts';
import { operatorSets } from '../support/operator.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeContainer, isCommand } from '../support/runner.ts';
import { ran, sessionObject, type Ran } from '../support/scene.ts';
import { tablesOf } from '../support/tables.ts';
import { later } from './interactions/support/asking.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const KB = 1024;
/** How a long text ends: with a word that is nowhere else. */
const marked = (name: string) => `mark-of-${name}`;
/** With characters that JSON escapes and that take more bytes. */
const long = (name: string, units = 300 * KB) => `${'a"\n€'.repeat(units / 4)}${marked(name)}`;

const chat = ({ user, id }: Ran, prompt: unknown, headers: Record<string, string> = {}) =>
  user.call('POST', `/sessions/${id}/chat`, { prompt }, headers);
const message = async ({ user, id }: Ran, of: string) =>
  (await user.call('GET', `/sessions/${id}/messages/${of}`)).body;
const queued = async ({ user, id }: Ran, of: string) =>
  (await user.events(id)).find(({ type, data }) => type === 'message.queued' && data.message_id === of)?.data;

/** How often a session's database has a text: in how many values, of all tables. */
const copies = (id: string, name: string) =>
  runInDurableObject(sessionObject(id), (_, { storage }) => {
    const { sql } = storage;
    const values = tablesOf(storage).flatMap((table) => [...sql.exec(`SELECT * FROM ${table}`)].flatMap(Object.values));
    return values.filter((value) => typeof value === 'string' && value.includes(marked(name))).length;
  });

/** Until the log has lost what it had: it says so many lines. */
async function outgrow({ container }: Ran): Promise<void> {
  for (let n = 0; n < 30; n += 1) container.say({ type: 'system', n, filler: 'x'.repeat(100 * KB) });
  await container.stored();
}

describe('a long prompt', () => {
  it('is stored once, and is what the agent, its message and its event have', async () => {
    const scene = await ran();
    const prompt = long('once');
    const { body } = await chat(scene, prompt, { 'idempotency-key': 'k' });
    const { message_id } = body;
    expect(await scene.container.prompt()).toMatchObject({ message_id, prompt });
    expect(await copies(scene.id, 'once')).toBe(1);
    expect(await queued(scene, message_id)).toEqual({ message_id, prompt });
    expect(await message(scene, message_id)).toMatchObject({ prompt, status: 'processing' });
    const list = await scene.user.call('GET', `/sessions/${scene.id}/messages`);
    expect(list.body.data).toMatchObject([{ message_id, prompt }]);
    // The same key is the same message, and another prompt under it is refused.
    expect((await chat(scene, prompt, { 'idempotency-key': 'k' })).body.message_id).toBe(message_id);
    const other = await chat(scene, long('else'), { 'idempotency-key': 'k' });
    expect(other.body.code).toBe('idempotency_key_reused');
    scene.container.result(message_id, 'done');
    await scene.container.stored();
    expect(await message(scene, message_id)).toMatchObject({ prompt, status: 'completed', result: 'done' });
  });

  it('in blocks is stored once as well, but for what its event shows twice', async () => {
    const scene = await ran();
    const prompt = [text(long('block')), text('And this.')];
    const { message_id } = (await chat(scene, prompt)).body;
    expect(await scene.container.prompt()).toMatchObject({ message_id, content: prompt });
    expect(await message(scene, message_id)).toMatchObject({ content: prompt, prompt: `${long('block')}\nAnd this.` });
    // As text and as a block, in two parts of one event.
    expect(await copies(scene.id, 'block')).toBe(2);
  });

  it('with an image is whole until it has ended, and is shown for good', async () => {
    const scene = await ran();
    const prompt = [text(long('beside')), image(png())];
    const { message_id } = (await chat(scene, prompt)).body;
    await evict(sessionObject(scene.id));
    expect(await scene.container.prompt()).toMatchObject({ content: prompt });
    scene.container.result(message_id, 'seen');
    await scene.container.stored();
    const shown = [text(long('beside')), { type: 'image', source: { bytes: png().length } }];
    expect(await message(scene, message_id)).toMatchObject({ content: shown });
  });

  it('that waits outlives its event, and is handed over whole', async () => {
    operatorSets({ EVENT_LOG_MB: 1 });
    const scene = await ran();
    const first = (await chat(scene, 'first')).body;
    await scene.container.prompt();
    const waits = (await chat(scene, long('waits'))).body;
    const blocks = [text(long('blocks', 20 * KB)), text('b')];
    const inBlocks = (await chat(scene, blocks)).body;
    await outgrow(scene);
    expect(await queued(scene, waits.message_id)).toBeUndefined();
    expect(await message(scene, waits.message_id)).toMatchObject({ status: 'queued', prompt: long('waits') });
    expect(await message(scene, inBlocks.message_id)).toMatchObject({ content: blocks });
    const hasEnded = async (id: string) => {
      scene.container.result(id, 'ok');
      await scene.container.stored();
    };
    await hasEnded(first.message_id);
    expect(await scene.container.prompt()).toMatchObject({ message_id: waits.message_id, prompt: long('waits') });
    await hasEnded(waits.message_id);
    expect(await scene.container.prompt()).toMatchObject({ message_id: inBlocks.message_id, content: blocks });
  });

  it('that has ended is forgotten with its event', async () => {
    operatorSets({ EVENT_LOG_MB: 1 });
    const scene = await ran();
    const { message_id } = (await chat(scene, long('ended'))).body;
    await scene.container.prompt();
    scene.container.result(message_id, 'its answer');
    await outgrow(scene);
    const forgotten = { prompt: '', result: null, status: 'completed', total_cost_usd: 0.25 };
    expect(await message(scene, message_id)).toMatchObject(forgotten);
    expect(await copies(scene.id, 'ended')).toBe(0);
  });

  it('is handed over again to a wrapper that comes back without it, and not when it has ended', async () => {
    const scene = await ran();
    const { message_id } = (await chat(scene, long('again'))).body;
    await scene.container.data.next(isCommand);
    const second = await FakeContainer.connect(scene.container.launch, 0);
    const command = { command: 'prompt', message_id, prompt: long('again') };
    expect(await second.data.next(isCommand)).toMatchObject({ number: 1, command });
    await scene.user.call('POST', `/sessions/${scene.id}/stop`);
    const third = await FakeContainer.connect(scene.container.launch, 0);
    expect(await third.data.next(isCommand)).toMatchObject({ number: 1, command: { command: 'skip' } });
  });

  it('of an earlier version is with its message, and is read as before', async () => {
    const scene = await ran();
    const { message_id } = (await chat(scene, long('old'))).body;
    await runInDurableObject(sessionObject(scene.id), (_, { storage: { sql } }) => {
      sql.exec('DROP INDEX messages_to_forget');
      sql.exec('DROP INDEX messages_in_log');
      sql.exec('UPDATE messages SET prompt = ?', long('old'));
      sql.exec('ALTER TABLE messages DROP COLUMN text_seq');
      sql.exec("CREATE INDEX messages_with_text ON messages (created) WHERE settled IS NOT NULL AND prompt <> ''");
      sql.exec('UPDATE schema_version SET version = 6');
    });
    await evict(sessionObject(scene.id));
    expect(await message(scene, message_id)).toMatchObject({ prompt: long('old') });
    expect(await scene.container.prompt()).toMatchObject({ prompt: long('old') });
    const { body } = await chat(scene, long('new'));
    expect(await message(scene, body.message_id)).toMatchObject({ prompt: long('new') });
  });

  it('of a child is with its first message alone', async () => {
    const scene = await ran();
    const call = { prompt: long('child'), workspace: { type: 'ephemeral' } };
    const { body } = await scene.user.call('POST', `/sessions/${scene.id}/spawn`, call, { 'idempotency-key': 'k' });
    const container = await scene.runner.start(body.child_session_id);
    expect(await container.prompt()).toMatchObject({ message_id: body.message_id, prompt: long('child') });
    expect(await copies(body.child_session_id, 'child')).toBe(1);
    const again = await scene.user.call('POST', `/sessions/${scene.id}/spawn`, call, { 'idempotency-key': 'k' });
    expect(again.body).toMatchObject({ child_session_id: body.child_session_id, message_id: body.message_id });
  });
});

it('a message of blocks that a usage limit holds has them still when it begins anew', async () => {
  const scene = await ran({ config: { on_rate_limit: 'wait' } });
  const prompt = [text('What is this?'), image(png())];
  await chat(scene, prompt);
  const { message_id: uuid } = await scene.container.prompt();
  const resetsAt = Math.floor(Date.now() / 1000) + 60;
  const limited = { error: 'rate_limit', api_error_params: { rate_limit_info: { status: 'rejected', resetsAt } } };
  scene.container.say({
    type: 'assistant',
    parent_tool_use_id: null,
    message: { model: '<synthetic>' },
    ...limited,
  });
  scene.container.result(uuid, 'limit', { is_error: true, terminal_reason: 'api_error', api_error_status: 429 });
  scene.container.say({ type: 'command_lifecycle', command_uuid: uuid, state: 'cancelled' });
  await scene.container.stored();
  await later(scene.id, 61);
  expect(await scene.container.prompt()).toMatchObject({ content: prompt });
});
