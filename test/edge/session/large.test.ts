import { beforeEach, expect, it } from 'vitest';
import { MAX_LINE_BYTES } from '../../../protocol/settings/limits.ts';
import { emptyPool } from '../support/pool.ts';
import { ran, type Ran } from '../support/scene.ts';

beforeEach(emptyPool);

/** What the container wrote may be as large as a frame. It must neither wedge its session nor make a call fail. */

const MEBI = 1024 * 1024;
const line = (n: number) => ({ type: 'assistant', n, text: `€${'a'.repeat(MAX_LINE_BYTES - 100)}` });

async function everyEvent({ user, id }: Ran) {
  const events = [];
  for (let after: string | null = '0'; after !== null;) {
    const { status, body } = await user.call('GET', `/sessions/${id}/events?limit=1000&after=${after}`);
    expect(status).toBe(200);
    events.push(...body.data);
    after = body.next_cursor;
  }
  return events;
}

it('a line beyond the longest is noted, and the log can be read', async () => {
  const scene = await ran();
  scene.container.say(`{"type":"assistant","text":"€${'a'.repeat(20 * MEBI)}"}`);
  await scene.container.stored();
  const events = await everyEvent(scene);
  expect(events.at(-1)).toMatchObject({
    type: 'session.oversized',
    data: { bytes: expect.any(Number), head: expect.stringMatching(/^\{"type":"assistant","text":"€aaa/) },
  });
  expect(events.at(-1).data.bytes).toBeGreaterThan(20 * MEBI);
});

it('what counts is bytes: characters of two bytes make a line too long earlier', async () => {
  const scene = await ran();
  const long = `{"type":"assistant","text":"${'é'.repeat(7 * MEBI)}"}`;
  scene.container.say(long, line(1));
  await scene.container.stored();
  const [oversized, stored] = (await everyEvent(scene)).slice(-2);
  expect(oversized).toMatchObject({
    type: 'session.oversized',
    data: { bytes: new TextEncoder().encode(long).length },
  });
  expect(stored.data).toEqual(line(1));
});

it('the longest lines are stored, and read page by page', async () => {
  const scene = await ran();
  for (const n of [1, 2]) {
    // Nearly a whole page before the line that does not fit into what is left of it.
    scene.container.say({ type: 'assistant', text: 'b'.repeat(4 * MEBI - 200) });
    scene.container.say(line(n));
    await scene.container.stored();
  }
  const events = await everyEvent(scene);
  expect(events.filter(({ data }) => data.n !== undefined).map(({ data }) => data)).toEqual([line(1), line(2)]);
});

it('a result that does not fit a row is cut where it is kept beside the log, and the turn ends', async () => {
  const scene = await ran();
  const { message_id } = (await scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'go' })).body;
  await scene.container.prompt();
  scene.container.result(message_id, '€'.repeat(3 * MEBI));
  await scene.container.stored();
  const { body } = await scene.user.call('GET', `/sessions/${scene.id}/messages/${message_id}`);
  expect(body.status).toBe('completed');
  expect(body.result).toMatch(/^€+… \(the event has the rest\)$/);
  const result = (await everyEvent(scene)).find(({ type }) => type === 'result');
  expect(result.data.result).toHaveLength(3 * MEBI);
});

it('lists of messages and turns with long results come in more pages', async () => {
  const scene = await ran();
  for (let n = 0; n < 12; n += 1) {
    const { body } = await scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: `ask ${n}` });
    await scene.container.prompt();
    scene.container.result(body.message_id, `€${'a'.repeat(450_000)}`);
    scene.container.say({ type: 'command_lifecycle', command_uuid: body.message_id, state: 'completed' });
    await scene.container.stored();
  }
  for (const list of ['messages', 'turns']) {
    const results = [];
    let pages = 0;
    for (let cursor: string | null = '0'; cursor !== null; pages += 1) {
      const { status, body } = await scene.user.call('GET', `/sessions/${scene.id}/${list}?limit=200&cursor=${cursor}`);
      expect(status).toBe(200);
      results.push(...body.data.filter(({ result }: { result?: string }) => (result?.length ?? 0) > 1000));
      cursor = body.next_cursor;
    }
    expect(results, list).toHaveLength(12);
    expect(pages, list).toBeGreaterThan(1);
  }
});
