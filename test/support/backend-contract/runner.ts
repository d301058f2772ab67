import { expect, test } from 'vitest';
import { scratch } from '../scratch.ts';
import { newKey, setUp, type BackendUnderTest } from './backend-under-test.ts';
import { PROMISES } from './promises.ts';

/** When the runner itself ends, or another process of it begins. */
export function runnerContract(backend: BackendUnderTest): void {
  const promises = PROMISES[backend.name];

  test('a second signal’s kill does not wait for a container that will not end', async () => {
    const { begin, ask, runner } = await setUp(backend);
    const key = newKey();
    await begin(key);
    await ask(key, 'spawn', /^spawned /);
    await ask(key, 'stubborn', /^stubborn$/);
    void runner.drain();
    await runner.kill();
    if (promises.endsAtOnce) expect(await backend.running(key)).toEqual([]);
    else await expect.poll(() => backend.running(key)).toEqual([]);
  });

  if (promises.outlivesRunner) {
    test('containers outlive their runner; the next one takes them up and nothing that they said is lost', async () => {
      const folder = scratch();
      const first = await setUp(backend, { folder });
      const key = newKey();
      await first.begin(key);
      await first.ask(key, 'one', /^echo one$/);
      await first.runner.detach();
      first.edge.prompt(key.session_id, 'two');
      const second = await setUp(backend, { folder, edge: first.edge });
      expect(await second.edge.frame('hello', 1)).toMatchObject({ running: [key] });
      await second.edge.line(key.session_id, (line) => line === 'echo two');
      const [before, after] = [await second.edge.frame('started'), await second.edge.frame('started', 1)];
      expect(after).toEqual(before);
      // What it said first, and the two answers.
      expect(second.edge.session(key.session_id).items).toHaveLength(4);
      second.launch(key);
      expect(await second.edge.frame('started', 2)).toEqual(before);
      expect(await second.edge.frame('hello')).toBeDefined();
    });

    test('a container that died while no runner was there is reported with its true reason', async () => {
      const folder = scratch();
      const first = await setUp(backend, { folder });
      const key = newKey();
      await first.begin(key);
      await first.runner.detach();
      await backend.kill?.(key);
      const second = await setUp(backend, { folder, edge: first.edge });
      expect(await second.reasonOf(key)).toMatchObject({
        code: 'container_exited',
        detail: expect.stringMatching(/killed from outside.*137/),
      });
    });
  } else {
    test('what a killed runner left is ended by the next one', async () => {
      const folder = scratch();
      const first = await setUp(backend, { folder });
      const key = newKey();
      await first.begin(key);
      await first.ask(key, 'spawn', /^spawned /);
      // As after SIGKILL: the containers run on, nobody holds the folder.
      await first.runner.detach();
      expect(await backend.running(key)).not.toEqual([]);
      const second = await setUp(backend, { folder });
      expect(await second.edge.frame('hello')).toMatchObject({ running: [] });
      expect(await backend.running(key)).toEqual([]);
    });
  }
}
