import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advanceFiles,
  baseOf,
  beginFiles,
  describeFiles,
  isSaved,
  isSettled,
  present,
  treesInUse,
  type Base,
  type FilesInput,
  type FilesState,
} from '../../../../../durable/session/core/files.ts';
import type { Head } from '../../../../../durable/shared/trees.ts';
import type { SessionFiles } from '../../../../../protocol/api/files/files.ts';
import type { SnapshotReport } from '../../../../../protocol/link/runner-control.ts';
import { generatedRuns } from '../../../../support/run/generated-runs.ts';

const OWNER = 'a'.repeat(64);
const EMPTY = {
  workspace: null,
  conversation: null,
  storage: null,
  fork_of: null,
  conversation_id: null,
  pinned: false,
};
const RUNNERS = ['a', 'b', 'c'] as const;
type RunnerName = (typeof RUNNERS)[number];
/** Two runners share a storage; the third has its own. */
const STORAGE: Record<RunnerName, string> = { a: 'shared', b: 'shared', c: 'own' };

const report = (change: Partial<SnapshotReport>): SnapshotReport => ({
  snapshot_id: 's',
  trigger: 'parked',
  state: 'stored',
  version: 1,
  final: true,
  storage: 'shared',
  created_at: '2026-01-01T00:00:00.000Z',
  files: 0,
  bytes: 0,
  new_bytes: 0,
  owner_bytes: null,
  skipped: [],
  detail: null,
  ...change,
});

const play = (inputs: readonly FilesInput[], start: FilesState = beginFiles(EMPTY)) =>
  inputs.reduce(advanceFiles, start);

/** What a story's step does; which runner, which of the reports that wait, is chosen by `pick`. */
type Move =
  | 'wake'
  | 'work'
  | 'periodic'
  | 'end'
  | 'lose runner'
  | 'deliver'
  | 'deliver twice'
  | 'drop report'
  | 'write'
  | 'write that nobody comes for'
  | 'write overtaken by a message'
  | 'read'
  | 'another session works in it'
  | 'the storage of a runner fails for good';

const anyStory = fc.array(
  fc.record({
    move: fc.constantFrom<Move>(
      'wake',
      'work',
      'periodic',
      'end',
      'lose runner',
      'deliver',
      'deliver twice',
      'drop report',
      'write',
      'write that nobody comes for',
      'write overtaken by a message',
      'read',
      'another session works in it',
      'the storage of a runner fails for good',
    ),
    pick: fc.nat(100),
  }),
  { maxLength: 60 },
);

/**
 * Runners, storages and a session's files, each value standing for all the bytes of a tree. `truth` is what a user must find:
 * whatever was written last and was not lost with a runner's disk.
 */
class World {
  state: FilesState;
  truth = 0;
  readonly copies = new Map<RunnerName, number>();
  readonly stored = new Map<string, { value: number; storage: string }>();
  readonly reports: SnapshotReport[] = [];
  running: RunnerName | null = null;
  head: Head | null = null;
  holding = false;
  #count = 0;

  constructor() {
    this.state = beginFiles(EMPTY);
  }

  put(input: FilesInput): void {
    const before = this.state;
    this.state = advanceFiles(before, input);
    expect(this.state.version).toBeGreaterThanOrEqual(before.version);
    expect(this.state.content).toBeLessThanOrEqual(this.state.version);
    // The workspace is let go, as it was left, as soon as that is saved.
    const { workspace, storage } = this.state.saved;
    if (!this.holding || input.on === 'adopted' || !isSettled(this.state)) return;
    this.holding = false;
    if (workspace !== null && storage !== null) this.head = { snapshot_id: workspace, storage };
  }

  /** A runner that the files allow; null: none does. */
  runnerFor(base: Base, pick: number): RunnerName | null {
    const fit = RUNNERS.filter((name) =>
      base.on === 'runner' ? name === base.runner : [null, STORAGE[name]].includes(base.trees.storage),
    );
    return fit[pick % Math.max(1, fit.length)] ?? null;
  }

  /** What a runner does that is told of the files; it finds what it must, or `false`. */
  materialise(runner: RunnerName, base: Base, version: number): boolean {
    const files = this.tell(runner, base, version);
    if (files.local === 'required' && !this.copies.has(runner)) return false;
    if (files.local === 'stale' || !this.copies.has(runner)) {
      const tree = files.workspace === null ? null : this.stored.get(files.workspace);
      if (tree !== null) expect(tree?.storage).toBe(STORAGE[runner]);
      this.copies.set(runner, tree?.value ?? 0);
    }
    expect(this.copies.get(runner)).toBe(this.truth);
    return true;
  }

  tell(runner: RunnerName, base: Base, version: number): SessionFiles {
    const files = describeFiles(this.state, base, version, OWNER, null);
    const elsewhere = base.on === 'storage' && base.prefer !== runner;
    return elsewhere ? { ...files, local: 'stale' } : files;
  }

  write(runner: RunnerName): void {
    this.truth = ++this.#count;
    this.copies.set(runner, this.truth);
  }

  snapshot(runner: RunnerName, version: number, final: boolean): void {
    const snapshot_id = `s${++this.#count}`;
    const storage = STORAGE[runner];
    this.stored.set(snapshot_id, { value: this.copies.get(runner) ?? -1, storage });
    this.reports.push(report({ snapshot_id, version, final, storage }));
  }

  deliver(index: number, keep: boolean): void {
    const [told] = keep ? [this.reports[index]] : this.reports.splice(index, 1);
    if (told === undefined) return;
    this.put({ on: 'reported', report: told });
  }

  end(): void {
    const runner = this.running;
    if (runner === null) return;
    const { version } = this.state;
    this.running = null;
    this.put({ on: 'ended', runner, lost: false });
    this.snapshot(runner, version, true);
  }

  wake(pick: number): void {
    if (this.running !== null) return;
    const saved = isSaved(this.state);
    this.put({ on: 'launched' });
    this.holding = true;
    this.put({ on: 'adopted', head: this.head, version: this.state.version });
    const base = this.state.launch?.base;
    if (base === undefined) throw new Error('nothing was launched');
    // What is not saved, nobody but its runner may run.
    if (!saved) expect(base.on).toBe('runner');
    const runner = this.runnerFor(base, pick);
    if (runner === null) return this.put({ on: 'ended', runner: null, lost: false });
    this.put({ on: 'placed', runner });
    if (this.materialise(runner, base, this.state.version)) {
      this.running = runner;
      return;
    }
    this.put({ on: 'ended', runner, lost: true });
    const { workspace } = this.state.saved;
    this.truth = workspace === null ? 0 : (this.stored.get(workspace)?.value ?? -1);
  }

  /** A write from outside: `comes` says whether its runner does. */
  outside(pick: number, comes: boolean, overtaken: boolean): void {
    if (this.running !== null) return;
    this.holding = true;
    this.put({ on: 'adopted', head: this.head, version: this.state.version + 1 });
    const base = baseOf(this.state);
    const runner = this.runnerFor(base, pick);
    // As when the pool has no runner: it is let go again, or still held for what is not saved.
    if (runner === null) return this.put({ on: 'unreached', version: 0 });
    this.put({ on: 'writing', runner });
    const { version } = this.state;
    if (overtaken) {
      this.wake(pick);
      this.put({ on: 'reached', version });
      return expect(this.state.content).not.toBe(version);
    }
    if (!comes || !this.materialise(runner, base, version)) return this.put({ on: 'unreached', version });
    this.put({ on: 'reached', version });
    expect(isSaved(this.state)).toBe(false);
    this.write(runner);
    this.snapshot(runner, version, true);
  }

  step(move: Move, pick: number): void {
    const { running } = this;
    switch (move) {
      case 'wake':
        return this.wake(pick);
      case 'work':
        if (running === null) return;
        this.put({ on: 'touched' });
        return this.write(running);
      case 'periodic':
        return running === null ? undefined : this.snapshot(running, this.state.version, false);
      case 'end':
        return this.end();
      case 'lose runner':
        if (running === null) return;
        this.running = null;
        return this.put({ on: 'ended', runner: running, lost: false });
      case 'deliver':
        return this.deliver(pick % Math.max(1, this.reports.length), false);
      case 'deliver twice':
        return this.deliver(pick % Math.max(1, this.reports.length), true);
      case 'drop report':
        this.reports.splice(pick % Math.max(1, this.reports.length), 1);
        return;
      case 'write':
        return this.outside(pick, true, false);
      case 'write that nobody comes for':
        return this.outside(pick, false, false);
      case 'write overtaken by a message':
        return this.outside(pick, true, true);
      case 'read': {
        if (running !== null) return;
        if (!this.holding) this.put({ on: 'adopted', head: this.head, version: this.state.version });
        const base = baseOf(this.state);
        const runner = this.runnerFor(base, pick);
        if (runner !== null) this.materialise(runner, base, this.state.version);
        return;
      }
      case 'another session works in it': {
        // It is let in only once this one has let go, which needs all to be saved.
        const { storage } = this.state.saved;
        if (this.holding || storage === null || this.head === null) return;
        this.truth = ++this.#count;
        this.head = { snapshot_id: `s${++this.#count}`, storage };
        this.stored.set(this.head.snapshot_id, { value: this.truth, storage });
        return;
      }
      case 'the storage of a runner fails for good': {
        const name = RUNNERS[pick % RUNNERS.length];
        if (name !== undefined && name !== running) this.copies.delete(name);
      }
    }
  }
}

describe('where files are, whatever happens in whatever order', () => {
  it('gives whoever comes next exactly what was written last, and nothing older', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const world = new World();
        for (const { move, pick } of story) world.step(move, pick);
      }),
      // Files that are older than the newest take several moves in a row.
      { numRuns: generatedRuns(5_000) },
    );
  });

  it('names every tree that it would restore among those in use', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const world = new World();
        for (const { move, pick } of story) {
          world.step(move, pick);
          const { launch, saved, start } = world.state;
          const base = launch?.base ?? baseOf(world.state);
          const trees = base.on === 'storage' ? base.trees : saved;
          const used = treesInUse(world.state).map(({ snapshot_id, tree }) => `${tree} ${snapshot_id}`);
          for (const [tree, id] of [
            ['workspace', trees.workspace],
            ['conversation', trees.conversation],
            ['workspace', start],
          ]) {
            if (id !== null) expect(used).toContain(`${tree} ${id}`);
          }
        }
      }),
    );
  });
});

const ran: FilesInput[] = [{ on: 'launched' }, { on: 'placed', runner: 'a' }, { on: 'touched' }];
const parked: FilesInput[] = [...ran, { on: 'ended', runner: 'a', lost: false }];

describe('files', () => {
  it('begin empty, anywhere', () => {
    const state = play([{ on: 'launched' }]);
    expect(state.launch?.base).toEqual({ on: 'storage', prefer: null, trees: EMPTY_TREES });
    expect(describeFiles(state, baseOf(state), 2, OWNER, 7)).toMatchObject({ workspace: null, quota_bytes: 7 });
  });

  it('that ran are their runner’s alone until a final snapshot of that very version is stored', () => {
    const state = play(parked);
    expect(baseOf(state)).toEqual({ on: 'runner', runner: 'a' });
    for (const told of [{ final: false }, { state: 'pending' as const }, { version: 1 }, { version: 3 }]) {
      const after = advanceFiles(state, { on: 'reported', report: report({ version: 2, ...told }) });
      expect(baseOf(after), JSON.stringify(told)).toEqual({ on: 'runner', runner: 'a' });
    }
    const saved = advanceFiles(state, { on: 'reported', report: report({ version: 2 }) });
    const trees = { workspace: 's', conversation: 's', storage: 'shared' };
    expect(baseOf(saved)).toEqual({ on: 'storage', prefer: 'a', trees });
  });

  it('of a launch that nothing was heard of are what they were before', () => {
    const saved = play([...parked, { on: 'reported', report: report({ version: 2 }) }]);
    const failed = play(
      [{ on: 'launched' }, { on: 'placed', runner: 'b' }, { on: 'ended', runner: 'b', lost: false }],
      saved,
    );
    expect(baseOf(failed)).toEqual(baseOf(saved));
    expect(failed.version).toBe(3);
  });

  it('that were lost go on from the newest snapshot, whole or not', () => {
    const periodic = report({ snapshot_id: 'p', version: 2, final: false });
    const state = play([...ran, { on: 'reported', report: periodic }, { on: 'ended', runner: 'a', lost: false }]);
    const lost = play(
      [{ on: 'launched' }, { on: 'placed', runner: 'a' }, { on: 'ended', runner: 'a', lost: true }],
      state,
    );
    expect(baseOf(lost)).toMatchObject({ on: 'storage', prefer: null, trees: { workspace: 'p' } });
  });

  it('that were lost are cloned anew, unless what was saved is from after the clone', () => {
    const saved: FilesInput = { on: 'reported', report: report({ snapshot_id: 'p', version: 2 }) };
    const gone: FilesInput[] = [
      { on: 'launched' },
      { on: 'placed', runner: 'a' },
      { on: 'ended', runner: 'a', lost: true },
    ];
    expect(play([...parked, saved, ...gone])).toMatchObject({ cloned: false, saved: { workspace: 'p' } });
    expect(play([...ran, { on: 'cloned' }, { on: 'ended', runner: 'a', lost: false }, saved, ...gone]).cloned).toBe(
      true,
    );
    expect(play([...ran, { on: 'cloned' }, { on: 'ended', runner: 'a', lost: false }, ...gone]).cloned).toBe(false);
  });

  it('of a workspace that another has worked in are restored from what that one left', () => {
    const saved = play([...parked, { on: 'reported', report: report({ version: 2 }) }]);
    const head = { snapshot_id: 'theirs', storage: 'shared' };
    const woken = play([{ on: 'launched' }, { on: 'adopted', head, version: 3 }], saved);
    const trees = { workspace: 'theirs', conversation: 's', storage: 'shared' };
    expect(woken.launch?.base).toEqual({ on: 'storage', prefer: null, trees });
  });

  it('begin with what their creator named, whatever is at the head of the workspace', () => {
    const pinned = beginFiles({ ...EMPTY, workspace: 'old', storage: 'shared', pinned: true });
    const head = { snapshot_id: 'head', storage: 'shared' };
    const woken = play([{ on: 'launched' }, { on: 'adopted', head, version: 2 }], pinned);
    expect(woken.launch?.base).toMatchObject({ trees: { workspace: 'old' } });
    expect(woken.start).toBe('old');
  });

  it('of a fork are the source’s conversation until a turn was seen', () => {
    const fork = beginFiles({
      workspace: 'x',
      conversation: 'x',
      storage: 'shared',
      fork_of: 'source',
      conversation_id: 'its conversation',
      pinned: false,
    });
    const state = play(parked, fork);
    expect(describeFiles(state, baseOf(state), 3, OWNER, null).fork_of).toBe('its conversation');
    expect(describeFiles(play([{ on: 'conversed' }], state), baseOf(state), 3, OWNER, null).fork_of).toBeNull();
  });

  it('start, for a diff, at what was cloned', () => {
    const start = report({ snapshot_id: 'clone', trigger: 'start', version: 2, final: false });
    expect(play([...ran, { on: 'cloned' }, { on: 'reported', report: start }])).toMatchObject({
      start: 'clone',
      cloned: true,
    });
  });
});

const EMPTY_TREES = { workspace: null, conversation: null, storage: null };

describe('what orders are told of where the files are', () => {
  const saved = play([
    { on: 'launched' },
    { on: 'placed', runner: 'a' },
    { on: 'touched' },
    { on: 'ended', runner: 'a', lost: false },
    { on: 'reported', report: report({ version: 2 }) },
  ]);

  it('parked: the snapshot, at hand on the runner that had them', () => {
    expect(present(saved)).toMatchObject({ version: 2, base: { on: 'storage', prefer: 'a' } });
  });

  it('wanted and without a place yet: as they were before', () => {
    const wanted = play([{ on: 'launched' }], saved);
    expect(wanted.version).toBe(3);
    expect(present(wanted)).toEqual(present(saved));
  });

  it('placed: on that runner alone, which changes them', () => {
    const placed = play([{ on: 'launched' }, { on: 'placed', runner: 'b' }], saved);
    expect(present(placed)).toEqual({ version: 3, base: { on: 'runner', runner: 'b' } });
  });
});
