import type { Reason } from '../../protocol/reason.ts';
import { kindOf, type Waiting } from '../../durable/pool/core/line.ts';
import type { Needs, Requirements, RunnerLoad } from '../../durable/pool/core/placement.ts';
import { restsUntil, withLoss } from '../../durable/pool/core/resting.ts';
import { ASKS_NOTHING, takenBy } from '../../durable/pool/core/room.ts';
import { schedule } from '../../durable/pool/core/schedule.ts';
import { boundOf } from '../../durable/pool/core/standing.ts';
import { Tally } from '../../durable/pool/core/tally.ts';
import type { Measures } from './measures.ts';
import type { Key, PoolPart, RunnerPart, SessionPart, Surroundings } from './parts.ts';

interface Place extends Waiting {
  runner: string | null;
  phase: 'waiting' | 'sent' | 'started' | 'stopping';
}

interface RunnerRow {
  readonly runner: RunnerPart;
  connected: boolean;
  losses: readonly number[];
  away: number | null;
}

/** Time of a core that this process has taken, milliseconds: what else runs on the machine does not count. */
const cpuMs = () => process.threadCpuUsage().user / 1000;

/** Places in the queue are told so often at most (`durable/pool/placement-queue.ts`). */
const TELL_MS = 1000;

const LOST: Reason = { code: 'runner_lost', detail: 'lost' };

/**
 * A pool's object. What it decides, it decides by the functions of `durable/pool/core`; what `durable/pool` does around them (tables,
 * frames, calls) is done here by plain maps, and counted: calls in and out, and rows that are written.
 */
export class PoolObject implements PoolPart {
  readonly #world: Surroundings;
  readonly #measures: Measures;
  readonly #rows = new Map<string, RunnerRow>();
  readonly waiting = new Map<string, Place>();
  readonly placed = new Map<string, Place>();
  readonly #byRunner = new Tally();
  readonly byOwner = new Tally();
  readonly #bounds = new Map<string, number>();
  readonly #crowded = new Set<string>();
  #crowdAt = 0;
  #tellAt = 0;
  /** By runner: what is cached until it changes. */
  readonly #loadOf = new Map<string, RunnerLoad>();
  #number = 0;
  #since = 0;

  constructor(world: Surroundings, measures: Measures, runners: readonly RunnerPart[]) {
    this.#world = world;
    this.#measures = measures;
    for (const runner of runners) {
      this.#rows.set(runner.name, { runner, connected: true, losses: [], away: null });
    }
  }

  request(key: Key, owner: string, needs: Needs, requires: Requirements): { runner: string | null } {
    this.#measures.poolCall();
    const { session_id, epoch } = key;
    const known = this.placed.get(session_id) ?? this.waiting.get(session_id);
    if (known === undefined || known.epoch !== epoch) {
      if (known !== undefined) this.#remove(known);
      this.#measures.rows(1);
      const asked = { ...key, owner, number: this.#number++, since: this.#world.clock.now, needs, requires };
      const kind = kindOf(needs, requires);
      this.waiting.set(session_id, { ...asked, kind, runner: null, phase: 'waiting' });
    }
    this.#fill(session_id);
    return { runner: this.placed.get(session_id)?.runner ?? null };
  }

  release({ session_id, epoch }: Key): { ended: boolean } {
    this.#measures.poolCall();
    const known = this.placed.get(session_id) ?? this.waiting.get(session_id);
    if (known === undefined || known.epoch !== epoch) return { ended: true };
    this.#measures.rows(1);
    if (known.runner === null) {
      this.#remove(known);
      this.#fill();
      return { ended: true };
    }
    known.phase = 'stopping';
    this.#runnerOf(known)?.receive({ kind: 'stop', key: { session_id, epoch } });
    return { ended: false };
  }

  started(name: string, { session_id, epoch }: Key): void {
    this.#measures.poolCall();
    const known = this.placed.get(session_id);
    if (known?.epoch !== epoch || known.runner !== name || known.phase !== 'sent') return;
    known.phase = 'started';
    this.#measures.rows(1);
  }

  /** The runner says so until the pool has told the session, and acknowledges it. */
  ended(name: string, key: Key, reason: Reason, acknowledge: () => void): void {
    this.#measures.poolCall();
    const known = this.placed.get(key.session_id);
    if (known?.epoch !== key.epoch || known.runner !== name) return acknowledge();
    this.#end(known, reason, acknowledge);
  }

  hello(name: string, running: readonly Key[]): { wanted: readonly Key[] } {
    this.#measures.poolCall();
    this.#measures.rows(1);
    const row = this.#rows.get(name);
    if (row === undefined) return { wanted: [] };
    row.connected = true;
    row.away = null;
    const runs = ({ session_id, epoch }: Key) =>
      running.some((one) => one.session_id === session_id && one.epoch === epoch);
    const own = [...this.placed.values()].filter(({ runner }) => runner === name);
    for (const { session_id, epoch, phase } of own) {
      const key = { session_id, epoch };
      if (phase === 'sent' && !runs(key)) row.runner.receive({ kind: 'launch', key });
      else if (phase === 'stopping' || !runs(key)) row.runner.receive({ kind: 'stop', key });
    }
    this.#fill();
    return { wanted: own.filter((one) => one.phase !== 'stopping' && runs(one)) };
  }

  /** The runner's connection is gone. */
  lost(name: string): void {
    this.#measures.poolCall();
    this.#measures.rows(1);
    const row = this.#rows.get(name);
    if (row === undefined) return;
    const { now } = this.#world.clock;
    row.connected = false;
    row.away = now;
    row.losses = withLoss(row.losses, now);
    this.#loadOf.delete(name);
    this.#world.clock.after(this.#world.scenario.lostAfter, () => this.#giveUp(row, now));
    const rest = restsUntil(row.losses, now);
    if (rest !== null) this.#world.clock.after(rest - now, () => this.#fill());
  }

  /** What runners say every few seconds: the queue is the same after it. */
  health(runners: number): void {
    this.#measures.poolCall(runners);
    this.#measures.rows(runners);
  }

  #giveUp(row: RunnerRow, since: number): void {
    if (row.away !== since) return;
    for (const place of [...this.placed.values()].filter(({ runner }) => runner === row.runner.name))
      this.#end(place, LOST, () => undefined);
    this.#fill();
  }

  /** The session first, then the table. */
  #end(place: Place, reason: Reason, done: () => void): void {
    const { session_id, epoch } = place;
    this.#measures.poolCall();
    this.#world.network.insist(
      () => this.#world.session(session_id).ended(epoch, reason),
      () => {
        const known = this.placed.get(session_id);
        if (known?.epoch === epoch) this.#remove(known);
        done();
        this.#fill();
      },
    );
  }

  #remove(place: Place): void {
    const { session_id, runner, owner, requires } = place;
    this.#measures.rows(1);
    this.waiting.delete(session_id);
    this.#bounds.delete(session_id);
    if (!this.placed.delete(session_id)) return;
    this.#byRunner.remove(runner ?? '', requires.ask ?? ASKS_NOTHING);
    this.#loadOf.delete(runner ?? '');
    this.byOwner.remove(owner, requires.ask ?? ASKS_NOTHING);
    this.#crowded.delete(session_id);
  }

  #fill(asking?: string): void {
    if (this.waiting.size === 0) return this.#crowd(0);
    const { now } = this.#world.clock;
    const begun = cpuMs();
    const { fair } = this.#world.scenario;
    const all = [...this.waiting.values()];
    const waiting = fair ? all : all.map((one) => ({ ...one, owner: '' }));
    const done = schedule(this.#loads(), waiting, {
      owners: this.byOwner,
      since: this.#since,
      now,
    });
    this.#measures.scheduled(cpuMs() - begun, this.waiting.size);
    this.#since = done.since;
    for (const { waiting, runner } of done.placed) {
      const { session_id, epoch } = waiting;
      const place = this.waiting.get(session_id);
      if (place === undefined) continue;
      this.waiting.delete(session_id);
      this.#bounds.delete(session_id);
      this.placed.set(session_id, { ...place, runner, phase: 'sent' });
      this.#byRunner.add(runner, place.requires.ask ?? ASKS_NOTHING);
      this.#loadOf.delete(runner);
      this.byOwner.add(place.owner, place.requires.ask ?? ASKS_NOTHING);
      this.#measures.rows(2);
      this.#measures.placed(place, now);
      this.#rows.get(runner)?.runner.receive({ kind: 'launch', key: { session_id, epoch } });
      if (session_id !== asking) this.#tell(session_id, (session) => session.placed(epoch));
    }
    if (now < this.#tellAt) return this.#crowd(this.waiting.size);
    this.#tellAt = now + TELL_MS;
    const standing = cpuMs();
    const left = done.left();
    this.#measures.scheduled(cpuMs() - standing, this.waiting.size);
    for (const { waiting, before } of left) {
      const { session_id } = waiting;
      const told = this.#bounds.get(session_id) ?? null;
      const bound = before === null ? -1 : boundOf(before, told);
      if (bound === told) continue;
      this.#bounds.set(session_id, bound);
      this.#measures.rows(1);
      if (session_id !== asking) this.#tell(session_id, () => undefined);
    }
    this.#crowd(left.length);
  }

  /** Idle sessions make room, some at a time (`durable/pool/crowd.ts`). */
  #crowd(waiting: number): void {
    const { now } = this.#world.clock;
    if (waiting === 0 || now < this.#crowdAt) {
      if (waiting > 0 || this.#crowded.size === 0) return;
      for (const id of [...this.#crowded].slice(0, 200)) {
        this.#crowded.delete(id);
        this.#tell(id, (session) => session.crowded(false));
      }
      return;
    }
    this.#crowdAt = now + 5000;
    let left = Math.min(200, Math.max(16, 2 * waiting));
    for (const { session_id, phase } of this.placed.values()) {
      if (left === 0) break;
      if (phase === 'stopping' || this.#crowded.has(session_id)) continue;
      left -= 1;
      this.#crowded.add(session_id);
      this.#tell(session_id, (session) => session.crowded(true));
    }
    this.#world.clock.after(5001, () => this.#fill());
  }

  /** What is only news is not told again if it is lost. */
  #tell(sessionId: string, say: (session: SessionPart) => void): void {
    this.#measures.poolCall();
    this.#world.network.call(
      () => say(this.#world.session(sessionId)),
      () => undefined,
      () => undefined,
    );
  }

  #runnerOf({ runner }: Place): RunnerPart | undefined {
    return runner === null ? undefined : this.#rows.get(runner)?.runner;
  }

  #loads(): RunnerLoad[] {
    const { now } = this.#world.clock;
    return [...this.#rows.values()].map((row) => {
      const { name } = row.runner;
      const known = this.#loadOf.get(name);
      if (known !== undefined && !known.rests && known.connected === row.connected) return known;
      const load = this.#loadNow(row, now);
      this.#loadOf.set(name, load);
      return load;
    });
  }

  #loadNow({ runner, connected, losses }: RunnerRow, now: number): RunnerLoad {
    const { name, capacity, labels, machine } = runner;
    const sessions = this.#byRunner.of(name);
    return {
      name,
      isolates: true,
      connected,
      draining: false,
      cordoned: false,
      rests: restsUntil(losses, now) !== null,
      labels,
      capacity,
      running: this.#byRunner.count(name),
      machine,
      used: takenBy({ capacity, machine }, sessions),
      trouble: null,
      storage: { id: 'shared', ok: true },
      lowDiskMb: null,
    };
  }
}
