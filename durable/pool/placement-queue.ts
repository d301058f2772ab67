import type { Reason } from '../../protocol/reason.ts';
import type { SessionFiles } from '../../protocol/api/files/files.ts';
import type { Launch } from '../../protocol/link/runner-control.ts';
import { sessionStub } from '../rpc/edge-env.ts';
import { observe, sendTelemetry } from '../rpc/telemetry/counts.ts';
import { schedule, type Kept, type Left, type Schedule } from './core/schedule.ts';
import type { Needs, Placement, RunnerLoad } from './core/placement.ts';
import { boundOf, withStanding } from './core/standing.ts';
import { Crowd } from './crowd.ts';
import type { PoolDependencies } from './dependencies.ts';
import { loadsOf } from './loads.ts';
import type { Place } from './tables/places-table.ts';

/** With more that wait, places in the queue are told every so many milliseconds. */
const FEW = 50;
const TELL_MS = 1000;
/** Sessions that are told at once, at most. */
const TOLD_AT_ONCE = 200;

/** Sessions that wait for a place for their container, and those that have one. */
export class PlacementQueue {
  readonly #deps: PoolDependencies;
  readonly #crowd: Crowd;
  /** Places that were given since the last overdue session got one. Not stored: a restart costs an overdue session a few places. */
  #since = 0;
  #kept: Kept | null = null;
  /** When places in the queue are told again, epoch milliseconds; and whether something has changed since. */
  #tellAt = 0;
  #isTellDue = false;
  /** By session: fewer than so many come before it, as it was told. Not stored: to be told twice does no harm. */
  readonly #bounds = new Map<string, number>();

  constructor(deps: PoolDependencies) {
    this.#deps = deps;
    this.#crowd = new Crowd(deps);
  }

  /** Queues a launch and tries to place it. The same (session, epoch) twice is one: it keeps its turn. */
  async request(launch: Launch, needs: Needs): Promise<Placement> {
    const { places } = this.#deps;
    const { session_id, epoch } = launch;
    const known = places.of(session_id);
    if (known === null || known.epoch !== epoch) places.add(launch, needs, Date.now());
    // Its files may be elsewhere by now.
    else if (known.runner === null) places.setNeeds(known, launch, needs);
    const reason = await this.fill(session_id);
    const runner = places.of(session_id)?.runner ?? null;
    if (runner !== null) return { placed: true, runner };
    return { placed: false, reason: reason ?? GONE };
  }

  /**
   * Gives places to the sessions that wait, and tells those that go on waiting what has changed for them. `asking` gets its answer from
   * its own call.
   *
   * @returns why `asking` waits; null: it does not
   */
  async fill(asking?: string): Promise<Reason | null> {
    const { env, places, sockets, copies } = this.#deps;
    if (places.countWaiting() === 0) {
      this.#kept = null;
      this.#isTellDue = false;
      this.#bounds.clear();
      this.#crowd.update(false, 0);
      return null;
    }
    const now = Date.now();
    const calls: Promise<void>[] = [];
    // Nothing is awaited below, so only the places that are given here change it.
    const fairness = { owners: places.byOwner, since: this.#since, now };
    const done = schedule(this.loads(now), places.waiting(), fairness);
    this.#since = done.since;
    this.#kept = done.kept;
    for (const { waiting, runner } of done.placed) {
      const place = places.of(waiting.session_id);
      const asked = place === null ? null : places.launch(place);
      if (place === null || asked === null) continue;
      const { session_id, epoch, needs } = place;
      const launch = { ...asked, files: { ...asked.files, local: localOn(runner, needs, asked.files.local) } };
      places.assign(place, launch, runner);
      copies.add(session_id, runner);
      this.#bounds.delete(session_id);
      this.#waited(place, now);
      sockets.send(runner, { kind: 'launch', launch });
      if (session_id !== asking) calls.push(sessionStub(env, session_id).placed(epoch, runner));
    }
    const own = asking === undefined ? null : places.of(asking);
    const reason = own === null || own.runner !== null ? null : this.#answer(done, own);
    this.#tellAll(done, now, calls);
    await Promise.all(calls);
    return reason;
  }

  /** Why a session waits that asks. Where many do, its place in the queue is found with those of the others, a moment later. */
  #answer(done: Schedule, place: Place): Reason | null {
    const reason = done.reasonOf(place);
    if (reason === undefined) return null;
    if (reason.code !== 'pool_full') return this.#told({ waiting: place, reason, before: null });
    const { places } = this.#deps;
    if (places.countWaiting() > FEW) return this.#told({ waiting: place, reason, before: places.countWaiting() - 1 });
    const found = done.left().find(({ waiting }) => waiting.session_id === place.session_id);
    return this.#told(found ?? { waiting: place, reason, before: null });
  }

  /** Tells each that goes on waiting what has changed for it; where many do, once in a while, because that takes long. */
  #tellAll(done: Schedule, now: number, calls: Promise<void>[]): void {
    const { ctx, env, places, setAlarm } = this.#deps;
    if (places.countWaiting() > FEW && now < this.#tellAt) {
      const isNew = !this.#isTellDue;
      this.#isTellDue = true;
      if (isNew) ctx.waitUntil(setAlarm());
      return;
    }
    this.#isTellDue = false;
    this.#tellAt = now + TELL_MS;
    let crowding = 0;
    for (const one of done.left()) {
      const { session_id, epoch } = one.waiting;
      if (one.before !== null) crowding += 1;
      // The others are told in the next round: a runner may be the reason of thousands.
      if (calls.length >= TOLD_AT_ONCE) {
        this.#isTellDue = true;
        continue;
      }
      const before = places.of(session_id)?.known_reason;
      const reason = this.#told(one);
      if (before !== reason.detail) calls.push(sessionStub(env, session_id).waiting(epoch, reason));
    }
    this.#crowd.update(crowding > 0, crowding);
    if (this.#isTellDue) ctx.waitUntil(setAlarm());
  }

  /** What a session is told of its wait, which is noted. */
  #told({ waiting, reason, before }: Left): Reason {
    const { places } = this.#deps;
    const { session_id } = waiting;
    let said = reason;
    if (before === null) this.#bounds.delete(session_id);
    else {
      const bound = boundOf(before, this.#bounds.get(session_id) ?? null);
      this.#bounds.set(session_id, bound);
      said = withStanding(reason, bound);
    }
    const place = places.of(session_id);
    if (place !== null && place.known_reason !== said.detail) places.setKnownReason(place, said.detail);
    return said;
  }

  /** A launch has its place. */
  #waited({ since }: Place, now: number): void {
    observe('cc_docker_place_wait_seconds', {}, Math.max(0, now - since) / 1000);
    sendTelemetry(this.#deps.env, (sending) => this.#deps.ctx.waitUntil(sending));
  }

  /** A container has ended, and its place is free. */
  async end(sessionId: string, epoch: number, reason: Reason, runner: string): Promise<void> {
    // The session first, then the table: a crash in between repeats the call, which then changes nothing.
    await sessionStub(this.#deps.env, sessionId).ended(epoch, reason, runner);
    this.#deps.places.remove(sessionId, epoch);
  }

  /** Tells the sessions that have a container on a runner whether that runner is being drained, so that they leave it. */
  async sendDraining(runner: string, draining: boolean): Promise<void> {
    const concerned = this.#deps.places.on(runner).filter(({ phase }) => phase !== 'stopping');
    const calls = concerned.map(({ session_id, epoch }) =>
      sessionStub(this.#deps.env, session_id).draining(epoch, draining),
    );
    for (const call of await Promise.allSettled(calls)) {
      // It then stays until its runner ends its container.
      if (call.status === 'rejected')
        console.warn(`pool: a session could not be told that its runner is drained: ${String(call.reason)}`);
    }
  }

  /** The runners with their load. */
  loads(now: number): RunnerLoad[] {
    return loadsOf(this.#deps, now);
  }

  /** The runner that is kept for a session which is too large for what is free; null: none is. */
  get kept(): Kept | null {
    return this.#kept;
  }

  /** When `fill` is to be called although nothing has changed, epoch milliseconds; null: it need not be. */
  nextTry(): number | null {
    const crowd = this.#crowd.nextTry();
    if (!this.#isTellDue) return crowd;
    return crowd === null ? this.#tellAt : Math.min(crowd, this.#tellAt);
  }
}

/** It was withdrawn while it was asked for. Its session does not wait for it any more. */
const GONE: Reason = { code: 'pool_full', detail: 'Waiting for room.' };

/** What a runner's own copy of the files is worth, given what it is worth on the runner that `needs` prefers. */
export function localOn(runner: string, needs: Needs, local: SessionFiles['local']): SessionFiles['local'] {
  return needs.on === 'storage' && needs.prefer !== runner ? 'stale' : local;
}
