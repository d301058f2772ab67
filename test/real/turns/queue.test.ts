import { atMost } from '../../support/patience.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../../support/until.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bash, byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene(
    byWord({
      // First: of a turn that was interrupted, what it was asked may come again with the next message.
      quick: () => says('done'),
      'long work': () => bash('tail -f /dev/null'),
      tool_result: () => says('slept'),
    }),
  );
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

const ended = async (id: string, messages: readonly string[]) =>
  await until(async () => {
    const views = await Promise.all(messages.map((message) => scene.alice.message(id, message)));
    for (const { finished_at } of views) expect(finished_at).not.toBeNull();
    return views;
  });

test('what waits when a container has lived its time goes on in the next', { timeout: atMost(120) }, async () => {
  const { alice } = scene;
  const id = await alice.createSession({ timeout_seconds: 20 });
  const work = await alice.tell(id, 'long work');
  const waiting = [await alice.tell(id, 'quick 1'), await alice.tell(id, 'quick 2')];
  const views = await ended(id, [work, ...waiting]);
  expect(views[0]).toMatchObject({ status: 'interrupted', error: { code: 'session_timeout' } });
  expect(views.slice(1)).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
  expect((await alice.show(id)).epoch).toBeGreaterThan(1);
});

const ids = ({ data }: { data: { message_id: string }[] }) => data.map(({ message_id }) => message_id);

/** The wrapper of a session, as a process of this machine. */
function wrapperOf(sessionId: string): number | undefined {
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes('wrapper') && line.includes(sessionId);
      } catch {
        return false;
      }
    });
}

test('ten messages outlive the death of a container that starts', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  const messages = [];
  for (let n = 0; n < 10; n += 1) messages.push(await alice.tell(id, `quick ${n}`));
  const pid = await until(() => {
    const found = wrapperOf(id);
    expect(found).toBeDefined();
    return found ?? 0;
  });
  process.kill(pid, 'SIGKILL');
  const views = await ended(id, messages);
  expect(views.map(({ status }) => status)).toEqual(messages.map(() => 'completed'));
});

test('the queue is listed, and what has not begun can be withdrawn', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  const work = await alice.tell(id, 'long work');
  const [second, third] = [await alice.tell(id, 'quick 1'), await alice.tell(id, 'quick 2')];
  await alice.until(id, ({ status }) => status === 'running');
  const list = async (query: string) => (await alice.call('GET', `/sessions/${id}/messages${query}`)).body;
  expect(ids(await list('?state=queued'))).toEqual([second, third]);
  const page = await list('?limit=2');
  expect(ids(page)).toEqual([work, second]);
  expect(ids(await list(`?cursor=${page.next_cursor}`))).toEqual([third]);

  const withdrawn = await alice.call('DELETE', `/sessions/${id}/messages/${second}`);
  expect(withdrawn).toMatchObject({ status: 200, body: { status: 'interrupted', error: { code: 'withdrawn' } } });
  expect(await alice.call('DELETE', `/sessions/${id}/messages/${second}`)).toMatchObject({ status: 200 });
  const started = await alice.call('DELETE', `/sessions/${id}/messages/${work}`);
  expect(started).toMatchObject({ status: 409, body: { code: 'message_started' } });
  await alice.call('POST', `/sessions/${id}/interrupt`);
  const views = await ended(id, [work, third]);
  expect(views.map(({ status }) => status)).toEqual(['interrupted', 'completed']);
});
