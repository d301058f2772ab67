import { expect, onTestFinished, test } from 'vitest';
import type { RunnerFrame } from '../../../../protocol/link/runner-control.ts';
import { SweepLoop } from '../../../../runner/session-files/sweep-loop.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { NOTHING_SWEPT } from '../../../support/runner/fake-snapshots.ts';
import { Changes } from '../../../support/changes.ts';
import { sessionId } from '../../../support/runner/running-runner.ts';

const DAY = 86_400_000;

test('the pool is asked about trees of a week ago, a thousand at a time, and the storage is swept after', async () => {
  const changes = new Changes();
  const asked: Extract<RunnerFrame, { kind: 'sweep' }>[] = [];
  const order: string[] = [];
  const old = Date.now() - 8 * DAY;
  const loop = new SweepLoop({
    snapshots: {
      async *owners() {
        yield* await Promise.resolve(['a'.repeat(64), 'b'.repeat(64)]);
      },
      async *trees(owner) {
        const many = owner.startsWith('a') ? 1500 : 0;
        for (let n = 0; n < many; n++)
          yield await Promise.resolve({ snapshot_id: sessionId(n), tree: 'workspace' as const, modified: old });
        yield { snapshot_id: sessionId(5000), tree: 'workspace' as const, modified: Date.now() - 6 * DAY };
        yield { snapshot_id: sessionId(6000), tree: 'conversation' as const, modified: old };
      },
      sweep: async (owner) => {
        order.push(`sweep ${owner.slice(0, 1)}`);
        changes.notify();
        return NOTHING_SWEPT;
      },
    },
    everyMs: DAY,
    firstMs: 1,
    ask: (frame) => {
      order.push(`ask ${frame.owner.slice(0, 1)} ${frame.trees.length}`);
      asked.push(frame);
      return true;
    },
    // The edge may not have heard of it yet.
    unacknowledged: async () => new Set([sessionId(7)]),
    also: async () => void order.push('also'),
    log: keptLog().log,
  });
  onTestFinished(() => loop.close());
  await changes.until(() => order.includes('sweep b'));
  expect(order).toEqual(['also', 'ask a 1000', 'ask a 500', 'sweep a', 'ask b 1', 'sweep b']);
  const ids = asked.flatMap(({ trees }) => trees.map(({ snapshot_id }) => snapshot_id));
  expect(ids).not.toContain(sessionId(7));
  expect(ids).not.toContain(sessionId(5000));
  expect(asked.at(-1)?.trees).toEqual([{ snapshot_id: sessionId(6000), tree: 'conversation' }]);
});

test('a storage that is away is swept another time', async () => {
  const changes = new Changes();
  let looks = 0;
  const { log, lines } = keptLog();
  const loop = new SweepLoop({
    snapshots: {
      async *owners() {
        looks += 1;
        changes.notify();
        yield* await Promise.reject<string[]>(new Error('away'));
      },
      async *trees() {},
      sweep: async () => NOTHING_SWEPT,
    },
    everyMs: 5,
    ask: () => true,
    unacknowledged: async () => new Set(),
    also: async () => {},
    log,
  });
  onTestFinished(() => loop.close());
  await changes.until(() => looks > 2);
  expect(lines.join()).toContain('away');
});

test('without an interval nothing is swept', async () => {
  let looked = false;
  const loop = new SweepLoop({
    snapshots: {
      async *owners() {
        looked = true;
        yield* await Promise.resolve([]);
      },
      async *trees() {},
      sweep: async () => NOTHING_SWEPT,
    },
    everyMs: 0,
    firstMs: 0,
    ask: () => true,
    unacknowledged: async () => new Set(),
    also: async () => {},
    log: keptLog().log,
  });
  await new Promise((resolve) => setImmediate(resolve));
  await loop.close();
  expect(looked).toBe(false);
});
