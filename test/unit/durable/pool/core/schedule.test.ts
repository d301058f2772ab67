import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, PATIENCE, type Waiting } from '../../../../../durable/pool/core/line.ts';
import type { Needs, Requirements, RunnerLoad } from '../../../../../durable/pool/core/placement.ts';
import {
  ASKS_NOTHING,
  demandOf,
  leftAfter,
  takenBy,
  type Ask,
  type Machine,
} from '../../../../../durable/pool/core/room.ts';
import { schedule, type Schedule } from '../../../../../durable/pool/core/schedule.ts';
import { Tally } from '../../../../../durable/pool/core/tally.ts';

const ANY: Needs = { on: 'storage', storage: null, prefer: null };

/** A pool that remembers who has which place, as the object's tables do. */
class Pool {
  now = 0;
  since = 0;
  last: Schedule | null = null;
  readonly waiting: Waiting[] = [];
  readonly placed: { readonly waiting: Waiting; readonly runner: string }[] = [];
  readonly #runners: Pick<RunnerLoad, 'name' | 'capacity' | 'machine' | 'labels'>[];
  #number = 0;

  constructor(runners: { capacity: number; machine?: Machine; labels?: Record<string, string> }[]) {
    this.#runners = runners.map((one, at) => ({ machine: null, labels: {}, ...one, name: `r${at}` }));
  }

  loads(): RunnerLoad[] {
    return this.#runners.map((one) => {
      const on = this.placed.filter(({ runner }) => runner === one.name);
      const asks = on.map(({ waiting }) => ({ ask: waiting.requires.ask ?? ASKS_NOTHING, count: 1 }));
      const state = { isolates: true, connected: true, draining: false, cordoned: false, rests: false, trouble: null };
      const storage = { id: 'shared', ok: true };
      return { ...one, ...state, running: on.length, used: takenBy(one, asks), storage, lowDiskMb: null };
    });
  }

  ask(owner: string, requires: Requirements = {}, needs: Needs = ANY): Waiting {
    this.#number += 1;
    const session_id = `${owner}-${this.#number}`;
    const asked = { session_id, epoch: 1, owner, number: this.#number, since: this.now, needs, requires };
    const waiting = { ...asked, kind: kindOf(needs, requires) };
    this.waiting.push(waiting);
    return waiting;
  }

  end(sessionId: string): void {
    const at = this.placed.findIndex(({ waiting }) => waiting.session_id === sessionId);
    if (at >= 0) this.placed.splice(at, 1);
  }

  /** @returns who got a place, in order */
  fill(): string[] {
    const owners = new Tally();
    for (const { waiting } of this.placed) owners.add(waiting.owner, waiting.requires.ask ?? ASKS_NOTHING);
    const done = schedule(this.loads(), this.waiting, { owners, since: this.since, now: this.now });
    this.since = done.since;
    this.last = done;
    for (const one of done.placed) {
      this.placed.push(one);
      this.waiting.splice(this.waiting.indexOf(one.waiting), 1);
    }
    return done.placed.map(({ waiting }) => waiting.session_id);
  }

  has(sessionId: string): boolean {
    return this.placed.some(({ waiting }) => waiting.session_id === sessionId);
  }

  before(sessionId: string): number | null | undefined {
    return this.last?.left().find(({ waiting }) => waiting.session_id === sessionId)?.before;
  }
}

const machine = (cpus: number, memoryMb: number): Machine => ({
  total: { cpus, memoryMb },
  limit: { cpus, memoryMb },
});
const asks = (ask: Partial<Ask>): Requirements => ({ ask: { ...ASKS_NOTHING, ...ask } });

const story = fc.array(
  fc.oneof(
    fc.record({
      does: fc.constant('ask' as const),
      owner: fc.constantFrom('a', 'b', 'c'),
      cpus: fc.constantFrom(null, 1, 3),
      memoryMb: fc.constantFrom(null, 512, 3000, 99_999),
      labels: fc.constantFrom(undefined, { gpu: 'yes' }),
      needs: fc.constantFrom<Needs>(ANY, { on: 'runner', runner: 'r1' }, { on: 'runner', runner: 'gone' }),
    }),
    fc.record({ does: fc.constant('end' as const), which: fc.nat(20) }),
    fc.record({ does: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 15 }) }),
  ),
  { maxLength: 40 },
);

const mixed = () =>
  new Pool([
    { capacity: 3, machine: machine(4, 4096) },
    { capacity: 2, machine: machine(8, 2048), labels: { gpu: 'yes' } },
    { capacity: 2 },
  ]);

describe('the schedule', () => {
  it('gives no place twice, none that there is not, and leaves none free that somebody could have', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const pool = mixed();
        for (const step of steps) {
          if (step.does === 'ask') {
            const { owner, cpus, memoryMb, labels, needs } = step;
            pool.ask(owner, { ask: { cpus, memoryMb }, labels }, needs);
          } else if (step.does === 'wait') pool.now += step.minutes * 60_000;
          else pool.end(pool.placed[step.which % Math.max(1, pool.placed.length)]?.waiting.session_id ?? '');
          const given = pool.fill();
          expect(new Set(given).size).toBe(given.length);
          for (const { running, capacity, used, machine: of } of pool.loads()) {
            expect(running).toBeLessThanOrEqual(capacity);
            if (of === null) continue;
            expect(used.cpus).toBeLessThanOrEqual(of.total.cpus + 0.001);
            expect(used.memoryMb).toBeLessThanOrEqual(of.total.memoryMb + 1);
          }
          const kept = pool.last?.kept;
          for (const { requires, needs, session_id } of pool.waiting) {
            const able = pool.loads().filter(({ name, labels }) => {
              const isTheirs = needs.on === 'storage' || needs.runner === name;
              const hasLabels = requires.labels === undefined || labels['gpu'] === 'yes';
              return isTheirs && hasLabels && (kept?.runner !== name || kept.session_id === session_id);
            });
            for (const one of able) expect(leftAfter(one, requires.ask ?? ASKS_NOTHING)).toBeLessThan(0);
          }
          // Whoever waits is told so, and each that waits for room has a place of its own in the queue.
          const left = pool.last?.left() ?? [];
          expect(left.map(({ waiting }) => waiting.session_id).toSorted()).toEqual(
            pool.waiting.map(({ session_id }) => session_id).toSorted(),
          );
          const places = left.flatMap(({ before }) => before ?? []);
          expect(places).toEqual(places.map((_, at) => at));
        }
      }),
    );
  });

  it('keeps the sessions of one owner in the order in which they asked, if they ask for the same', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 }), fc.nat(9), (owners, capacity) => {
        const pool = new Pool([{ capacity }]);
        for (const owner of owners) pool.ask(owner);
        const given = [...pool.fill()];
        while (pool.placed.length > 0) {
          pool.end(pool.placed[0]?.waiting.session_id ?? '');
          given.push(...pool.fill());
        }
        for (const owner of ['a', 'b', 'c']) {
          const own = given.filter((id) => id.startsWith(owner)).map((id) => Number(id.slice(2)));
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('serves the owner who has least: a hundred sessions of one do not keep another waiting', () => {
    const pool = new Pool([{ capacity: 10 }]);
    for (let asked = 0; asked < 110; asked++) pool.ask('many');
    expect(pool.fill()).toHaveLength(10);
    const [one, two] = [pool.ask('few'), pool.ask('few')];
    pool.fill();
    expect([pool.before(one.session_id), pool.before(two.session_id)]).toEqual([0, 1]);
    pool.end('many-1');
    expect(pool.fill()).toEqual([one.session_id]);
    pool.end('many-2');
    expect(pool.fill()).toEqual([two.session_id]);
    pool.end('many-3');
    expect(pool.fill()).toEqual(['many-11']);
  });

  it('counts what sessions ask: who has one large session has as much as who has several small ones', () => {
    const pool = new Pool([{ capacity: 10, machine: machine(100, 10_000) }]);
    pool.ask('large', asks({ memoryMb: 6000 }));
    for (let asked = 0; asked < 3; asked++) pool.ask('small', asks({ memoryMb: 1000 }));
    pool.fill();
    const next = [pool.ask('large', asks({ memoryMb: 1000 })), pool.ask('small', asks({ memoryMb: 1000 }))];
    expect(pool.fill()).toEqual([next[1]?.session_id]);
  });

  it('gives every fourth place to who has waited longest, when that is overdue: nobody waits for good', () => {
    const pool = new Pool([{ capacity: 8 }]);
    for (let asked = 0; asked < 9; asked++) pool.ask('rich');
    pool.fill();
    const last = pool.waiting[0]?.session_id ?? '';
    pool.now += PATIENCE.overdueMs;
    const given: string[] = [];
    for (let newcomer = 0; newcomer < 8; newcomer++) {
      pool.ask(`new${newcomer}`);
      pool.end(pool.placed[0]?.waiting.session_id ?? '');
      given.push(...pool.fill());
    }
    // Each newcomer has less than who waits, so without this it would never come.
    expect(given.indexOf(last)).toBe(0);
    const poor = new Pool([{ capacity: 8 }]);
    for (let asked = 0; asked < 9; asked++) poor.ask('rich');
    poor.fill();
    for (let newcomer = 0; newcomer < 7; newcomer++) {
      poor.ask(`new${newcomer}`);
      poor.end(poor.placed[0]?.waiting.session_id ?? '');
      expect(poor.fill()).toEqual([expect.stringContaining('new')]);
    }
  });

  it('passes over a session that fits nowhere, and keeps a runner for it once it is overdue', () => {
    const pool = new Pool([
      { capacity: 4, machine: machine(100, 4000) },
      { capacity: 4, machine: machine(100, 4000) },
    ]);
    for (let asked = 0; asked < 8; asked++) pool.ask('small', asks({ memoryMb: 1000 }));
    pool.fill();
    const large = pool.ask('large', asks({ memoryMb: 4000 }));
    // Small ones come and go, and it blocks none of them.
    for (let turn = 0; turn < 5; turn++) {
      const small = pool.ask('small', asks({ memoryMb: 1000 }));
      pool.end(pool.placed[0]?.waiting.session_id ?? '');
      expect(pool.fill()).toEqual([small.session_id]);
    }
    expect(pool.last?.kept).toBeNull();
    pool.now += PATIENCE.overdueMs;
    const runs = new Set<string>();
    for (let turn = 0; turn < 8 && !pool.has(large.session_id); turn++) {
      pool.ask('small', asks({ memoryMb: 1000 }));
      const ended = pool.placed.shift();
      runs.add(ended?.runner ?? '');
      pool.fill();
      if (!pool.has(large.session_id)) expect(pool.last?.kept?.session_id).toBe(large.session_id);
    }
    expect(pool.has(large.session_id)).toBe(true);
    expect(pool.last?.kept).toBeNull();
    // The other runner went on with small ones meanwhile.
    expect(runs.size).toBe(2);
    expect(pool.placed.length).toBeGreaterThan(1);
  });

  it('lets one that asks for more than there is have a whole runner', () => {
    const pool = new Pool([{ capacity: 4, machine: machine(2, 4000) }]);
    const vast = pool.ask('a', asks({ memoryMb: 1_000_000, cpus: 64 }));
    expect(pool.fill()).toEqual([vast.session_id]);
    pool.ask('a');
    expect(pool.fill()).toEqual([]);
    expect(pool.last?.left()[0]?.reason).toMatchObject({
      code: 'pool_full',
      detail: expect.stringContaining('enough left'),
    });
  });

  it('counts one that asks for nothing as a place, and a runner that does not say what it has by places alone', () => {
    const shares = demandOf({ capacity: 4, machine: machine(8, 4000) }, ASKS_NOTHING);
    expect(shares).toEqual({ cpus: 2, memoryMb: 1000 });
    const pool = new Pool([{ capacity: 3, machine: machine(0.3, 1000) }, { capacity: 2 }]);
    for (let asked = 0; asked < 6; asked++) pool.ask('a');
    expect(pool.fill()).toHaveLength(5);
    const old = new Pool([{ capacity: 1 }]);
    expect([old.ask('a', asks({ memoryMb: 1_000_000 }))].length + old.fill().length).toBe(2);
  });

  it('has those wait without a place in the queue that no runner could take', () => {
    const pool = new Pool([{ capacity: 1 }]);
    pool.ask('a');
    const [gpu, room] = [pool.ask('a', { labels: { gpu: 'yes' } }), pool.ask('a')];
    pool.fill();
    expect([pool.before(gpu.session_id), pool.before(room.session_id)]).toEqual([null, 0]);
  });
});
