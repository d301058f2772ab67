import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_USE } from '../../../../../durable/pool/core/room.ts';
import { place, chooseRunner, type Needs, type RunnerLoad } from '../../../../../durable/pool/core/placement.ts';

const runner = (name: string, change: Partial<RunnerLoad> = {}): RunnerLoad => ({
  name,
  isolates: true,
  connected: true,
  draining: false,
  cordoned: false,
  rests: false,
  labels: {},
  capacity: 4,
  running: 0,
  machine: null,
  used: NO_USE,
  trouble: null,
  storage: { id: 'shared', ok: true },
  lowDiskMb: null,
  ...change,
});

const ANY: Needs = { on: 'storage', storage: null, prefer: null };
const only = (name: string): Needs => ({ on: 'runner', runner: name });
const shared = (prefer: string | null): Needs => ({ on: 'storage', storage: 'shared', prefer });

const anyNeeds = fc.oneof(
  fc.constantFrom(ANY, only('a'), only('z')),
  fc.record({
    on: fc.constant('storage' as const),
    storage: fc.constantFrom('shared', 'own'),
    prefer: fc.constantFrom(null, 'a', 'z'),
  }),
);

const anyRunner = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  isolates: fc.boolean(),
  connected: fc.boolean(),
  draining: fc.boolean(),
  cordoned: fc.boolean(),
  rests: fc.boolean(),
  labels: fc.dictionary(fc.constantFrom('gpu', 'zone'), fc.constantFrom('a', 'b')),
  capacity: fc.integer({ min: 0, max: 4 }),
  running: fc.integer({ min: 0, max: 5 }),
  machine: fc.constant(null),
  used: fc.constant(NO_USE),
  trouble: fc.constantFrom(null, 'down'),
  storage: fc.record({ id: fc.constantFrom('shared', 'own'), ok: fc.boolean() }),
  lowDiskMb: fc.constantFrom(null, 7),
});
const anyLabels = fc.dictionary(fc.constantFrom('gpu', 'zone'), fc.constantFrom('a', 'b'));
const anyPool = fc.uniqueArray(anyRunner, { selector: ({ name }) => name });

describe('placement', () => {
  it('never gives a place that there is not, nor to a runner that cannot have the files', () => {
    fc.assert(
      fc.property(anyPool, anyNeeds, fc.boolean(), anyLabels, (runners, needs, isolation, labels) => {
        const found = place(runners, needs, { isolation, labels });
        if (!found.placed) return;
        expect(runners.find(({ name }) => name === found.runner)?.isolates || !isolation).toBe(true);
        expect(runners.find(({ name }) => name === found.runner)?.labels).toMatchObject(labels);
        const chosen = runners.find(({ name }) => name === found.runner);
        expect(chosen).toMatchObject({ connected: true, draining: false, cordoned: false, lowDiskMb: null });
        expect(chosen?.running).toBeLessThan(chosen?.capacity ?? 0);
        if (needs.on === 'runner') expect(found.runner).toBe(needs.runner);
        else if (needs.storage !== null) expect(chosen?.storage.id).toBe(needs.storage);
      }),
    );
  });

  it('finds a place whenever there is one', () => {
    fc.assert(
      fc.property(anyPool, anyLabels, (runners, labels) => {
        const able = runners.filter(
          (one) =>
            one.connected &&
            !one.draining &&
            !one.cordoned &&
            one.lowDiskMb === null &&
            Object.entries(labels).every(([name, value]) => one.labels[name] === value),
        );
        const rested = able.filter(({ rests }) => !rests);
        const free = (rested.length > 0 ? rested : able).some(({ running, capacity }) => running < capacity);
        expect(place(runners, ANY, { labels }).placed).toBe(free);
      }),
    );
  });

  it('prefers the runner with the most room', () => {
    const runners = [runner('a', { running: 3 }), runner('b', { running: 1 }), runner('c', { running: 2 })];
    expect(place(runners, ANY)).toEqual({ placed: true, runner: 'b' });
  });

  it('counts what is asked of a machine as room that is taken', () => {
    const total = { cpus: 16, memoryMb: 4096 };
    const sized = { machine: { total, limit: total } };
    const runners = [
      runner('a', { ...sized, running: 1, used: { cpus: 1, memoryMb: 4000 } }),
      runner('b', { running: 3 }),
    ];
    expect(place(runners, ANY)).toEqual({ placed: true, runner: 'b' });
    expect(place(runners.slice(0, 1), ANY, { ask: { cpus: null, memoryMb: 96 } }).placed).toBe(true);
    expect(place(runners.slice(0, 1), ANY, { ask: { cpus: null, memoryMb: 97 } }).placed).toBe(false);
  });

  it('leaves a runner that rests alone, but not if it is the only one', () => {
    const rests = runner('a', { rests: true });
    expect(place([rests, runner('b', { running: 3 })], ANY)).toEqual({ placed: true, runner: 'b' });
    expect(place([rests, runner('b', { running: 4 })], ANY)).toMatchObject({ reason: { code: 'pool_full' } });
    expect(place([rests, runner('b', { draining: true })], ANY)).toEqual({ placed: true, runner: 'a' });
  });

  it('prefers a fuller runner to one whose engine is down', () => {
    const runners = [runner('a', { trouble: 'The engine is down.' }), runner('b', { running: 3 })];
    expect(place(runners, ANY)).toEqual({ placed: true, runner: 'b' });
  });

  it('gives a session that requires a container only to a runner with containers, and says so', () => {
    const runners = [runner('a', { isolates: false }), runner('b', { running: 3 })];
    expect(place(runners, ANY, { isolation: true })).toEqual({ placed: true, runner: 'b' });
    expect(place(runners.slice(0, 1), ANY, { isolation: true })).toMatchObject({
      reason: { code: 'no_runner', detail: expect.stringContaining('isolation') },
    });
  });

  it('gives a session only to a runner that has its labels, and says which nobody has', () => {
    const runners = [runner('a', { labels: { gpu: 'yes', zone: 'x' }, running: 3 }), runner('b')];
    expect(place(runners, ANY, { labels: { gpu: 'yes' } })).toEqual({ placed: true, runner: 'a' });
    const detail = expect.stringMatching(/gpu=no,zone=x.*RUNNER_LABELS/);
    expect(place(runners, ANY, { labels: { gpu: 'no', zone: 'x' } })).toMatchObject({
      reason: { code: 'no_runner', detail },
    });
    // A name that every object has is no label.
    expect(place(runners, ANY, { labels: { toString: '' } }).placed).toBe(false);
  });

  it('gives a cordoned runner nothing, and says so of the one that alone has the files', () => {
    const shut = runner('a', { cordoned: true });
    expect(place([shut, runner('b', { running: 3 })], ANY)).toEqual({ placed: true, runner: 'b' });
    expect(place([shut, runner('b')], only('a'))).toMatchObject({
      reason: { code: 'no_runner', detail: expect.stringMatching(/"a" is cordoned.*uncordon/) },
    });
    expect(place([shut, runner('b', { draining: true })], ANY)).toMatchObject({
      reason: { code: 'no_runner', detail: expect.stringMatching(/"a" is cordoned, "b" is being drained/) },
    });
    expect(chooseRunner([shut], only('a'))).toEqual({ runner: 'a' });
  });

  it('says whether runners are missing, or full', () => {
    expect(place([], ANY)).toMatchObject({ reason: { code: 'no_runner' } });
    expect(place([runner('a', { running: 4 })], ANY)).toMatchObject({ reason: { code: 'pool_full' } });
    expect(place([runner('a')], only('gone'))).toMatchObject({
      reason: { code: 'no_runner', detail: expect.stringContaining('gone') },
    });
  });

  it('goes where the files are at hand, and elsewhere when there is no room', () => {
    const runners = [runner('a', { running: 3 }), runner('b'), runner('c', { storage: { id: 'own', ok: true } })];
    expect(place(runners, shared('a'))).toEqual({ placed: true, runner: 'a' });
    expect(place([runner('a', { running: 4 }), ...runners.slice(1)], shared('a'))).toEqual({
      placed: true,
      runner: 'b',
    });
  });

  it('prefers a runner that reaches its storage to one that does not', () => {
    const runners = [runner('a', { storage: { id: 'shared', ok: false } }), runner('b', { running: 3 })];
    expect(place(runners, shared(null))).toEqual({ placed: true, runner: 'b' });
  });

  it('says which storage no runner sees', () => {
    const found = place([runner('a', { storage: { id: 'own', ok: true } })], shared('b'));
    expect(found).toMatchObject({ reason: { code: 'no_runner', detail: expect.stringMatching(/"shared".*"b"/) } });
  });

  it('reaches files on a runner that is full or drains, but rather on one that does not', () => {
    expect(chooseRunner([runner('a', { running: 4, draining: true })], only('a'))).toEqual({ runner: 'a' });
    expect(chooseRunner([runner('a', { draining: true }), runner('b')], shared('a'))).toEqual({ runner: 'b' });
    expect(chooseRunner([runner('a', { connected: false })], only('a'))).toEqual({
      detail: expect.stringContaining('"a"'),
    });
  });

  it('avoids a runner whose disk is nearly full, and waits when there is no other', () => {
    const low = runner('a', { lowDiskMb: 7, running: 0 });
    expect(place([low, runner('b', { running: 3 })], ANY)).toEqual({ placed: true, runner: 'b' });
    expect(place([low], only('a'))).toMatchObject({
      placed: false,
      reason: { code: 'no_runner', detail: expect.stringContaining('"a" has 7 MB free') },
    });
    expect(chooseRunner([low], only('a'))).toEqual({ runner: 'a' });
  });
});
