import { expect, test } from 'vitest';
import { Semaphore } from '../../../../runner/lib/semaphore.ts';

test('tasks run in the order in which they came, as many at once as it permits, whatever fails', async () => {
  const ended: string[] = [];
  const semaphore = new Semaphore(2);
  const gates = ['a', 'b', 'c', 'd'].map((name) => ({ name, begun: false, ...Promise.withResolvers<void>() }));
  const runs = gates.map((gate) =>
    semaphore.run(async () => {
      gate.begun = true;
      await gate.promise;
      ended.push(gate.name);
      return gate.name;
    }),
  );
  const begun = () => gates.filter((gate) => gate.begun).map(({ name }) => name);
  expect(begun()).toEqual(['a', 'b']);
  gates[1]?.reject(new Error('b failed'));
  await expect(runs[1]).rejects.toThrow('b failed');
  expect(begun()).toEqual(['a', 'b', 'c']);
  gates[2]?.resolve();
  await runs[2];
  expect(begun()).toEqual(['a', 'b', 'c', 'd']);
  gates[0]?.resolve();
  gates[3]?.resolve();
  expect(await Promise.all([runs[0], runs[3]])).toEqual(['a', 'd']);
  expect(ended).toEqual(['c', 'a', 'd']);
});

test('it is idle when nothing runs and nothing waits, so also while a task hands its permit on it is not', async () => {
  const semaphore = new Semaphore(1);
  expect(semaphore.isIdle).toBe(true);
  const seen: boolean[] = [];
  const first = semaphore.run(async () => {}).finally(() => seen.push(semaphore.isIdle));
  const second = semaphore.run(async () => {}).finally(() => seen.push(semaphore.isIdle));
  await Promise.all([first, second]);
  expect(seen).toEqual([false, true]);
});
