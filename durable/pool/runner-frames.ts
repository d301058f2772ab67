import { CloseCode } from '../../protocol/close-code.ts';
import { isolates, type BackendName, type PlacementKey, type RunnerFrame } from '../../protocol/link/runner-control.ts';
import { FIRST_PROTOCOL, PROTOCOL, tooFarApart, worksWith } from '../../protocol/link/protocol-version.ts';
import { sessionStub } from '../rpc/edge-env.ts';
import type { FileOrders } from './file-orders.ts';
import { withLoss } from './core/resting.ts';
import type { PoolDependencies } from './dependencies.ts';
import type { PlacementQueue } from './placement-queue.ts';
import { sendFrame } from './runner-sockets.ts';
import type { Place } from './tables/places-table.ts';
import type { RunnerRow } from './tables/runners-table.ts';

/**
 * What runners say on their control sockets, and what they are told when they connect. A runner speaks for the sessions that
 * were placed on it, or whose files it was given, and for no other.
 */
export class RunnerFrames {
  readonly #deps: PoolDependencies;
  readonly #queue: PlacementQueue;
  readonly #orders: FileOrders;

  constructor(deps: PoolDependencies, queue: PlacementQueue, orders: FileOrders) {
    this.#deps = deps;
    this.#queue = queue;
    this.#orders = orders;
  }

  /** @throws when another object could not be called: the runner has to send the frame again */
  async receive(socket: WebSocket, name: string, frame: RunnerFrame): Promise<void> {
    const { env, runners, places, copies, sockets, metrics, cordons } = this.#deps;
    if ((frame.kind === 'hello' || frame.kind === 'health') && frame.metrics) metrics.set(name, frame.metrics);
    switch (frame.kind) {
      case 'hello': {
        const { kind: _, metrics: __, running, protocol = FIRST_PROTOCOL, draining = false, ...facts } = frame;
        if (!worksWith(protocol)) {
          return socket.close(CloseCode.forbidden, tooFarApart({ runner: protocol, edge: PROTOCOL }));
        }
        const unlike = this.#unlike(name, facts.backend);
        if (unlike !== null) return socket.close(CloseCode.forbidden, unlike);
        const { unknown = 0, losses = [] } = runners.last(name) ?? {};
        runners.save({ name, ...facts, protocol, unknown, losses, draining, away_since: null });
        sockets.greeted(socket);
        this.#welcome(socket, name, running);
        if (cordons.of(name)?.drain === true && protocol >= 2) sendFrame(socket, { kind: 'drain', on: true });
        await this.#deps.setAlarm();
        return this.#fill();
      }
      case 'started': {
        const known = places.of(frame.session_id);
        if (known?.epoch !== frame.epoch || known.runner !== name) return;
        if (known.phase === 'sent') places.setPhase(known, 'started');
        const { resources, exposed_secrets } = frame;
        return sessionStub(env, frame.session_id).started(frame.epoch, name, { resources, exposed_secrets });
      }
      case 'ended': {
        const { session_id, epoch, reason } = frame;
        const known = places.of(session_id);
        // Otherwise the place was given up before, or was never this runner's. It need not say so again.
        if (known?.epoch === epoch && known.runner === name) await this.#queue.end(session_id, epoch, reason, name);
        sendFrame(socket, { kind: 'ended_ack', session_id, epoch });
        return this.#fill();
      }
      case 'removed':
        this.#removed(frame.session_id, name);
        return this.#fill();
      case 'health': {
        const before = runners.of(name);
        if (before === null) return;
        const { health, disk = before.disk } = frame;
        const storage = { ...before.storage, health: frame.storage };
        // It cannot start containers any more: as bad as if it were gone.
        const broke = before.health.ok && !health.ok;
        const losses = broke ? withLoss(before.losses ?? [], Date.now()) : before.losses;
        const after = { ...before, health, storage, disk, ...(losses && { losses }) };
        // Hundreds of runners say this every few seconds, mostly for what they have counted: the queue is the same then.
        if (placesAlike(before, after)) return;
        runners.save(after);
        return this.#fill();
      }
      case 'snapshot': {
        const { session_id, report } = frame;
        if (copies.has(session_id, name)) await sessionStub(env, session_id).snapshotReported(report);
        else console.warn(`pool: "${name}" reported a snapshot of a session whose files it was never given`);
        if (report.state !== 'pending') sendFrame(socket, { kind: 'snapshot_ack', snapshot_id: report.snapshot_id });
        return;
      }
      case 'sweep':
        return this.#orders.sweep(name, frame.owner, frame.trees);
      case 'transfer_refused':
        if (places.of(frame.session_id) === null && !copies.knows(frame.session_id)) return;
        return sessionStub(env, frame.session_id).transferRefused(frame.transfer_id, name, frame.refusal);
      case 'alive':
        return sockets.probed(name, true);
      case 'draining': {
        const { on: draining = true } = frame;
        this.#update(name, { draining });
        await this.#queue.sendDraining(name, draining);
        return this.#fill();
      }
    }
  }

  /** Frames or fields of this runner were passed over. */
  countUnknown(name: string, count: number): void {
    this.#update(name, { unknown: (this.#deps.runners.of(name)?.unknown ?? 0) + count });
  }

  /** Why this runner may not be beside those that are connected: sessions would be isolated or not by chance. Null: it may. */
  #unlike(name: string, backend: BackendName): string | null {
    const { runners, sockets, mixesIsolation } = this.#deps;
    if (mixesIsolation) return null;
    const others = runners.all().filter((one) => one.name !== name && sockets.of(one.name) !== null);
    const unlike = others.find((one) => isolates(one.backend) !== isolates(backend));
    if (unlike === undefined) return null;
    return `${unlike.name} is a ${unlike.backend} runner: set MIX_ISOLATION=true at the edge to have both`.slice(
      0,
      120,
    );
  }

  #update(name: string, change: Partial<RunnerRow>): void {
    const { runners } = this.#deps;
    const runner = runners.of(name);
    if (runner !== null) runners.save({ ...runner, ...change });
  }

  async #fill(): Promise<void> {
    await this.#queue.fill();
  }

  /** The runner has removed all that it had of that session, its container too. */
  #removed(sessionId: string, name: string): void {
    const { places, copies } = this.#deps;
    const known = places.of(sessionId);
    if (known?.runner === name) places.remove(sessionId, known.epoch);
    copies.removed(sessionId, name);
  }

  /** Tells a runner that has just connected which of its containers are wanted, and all that it may have missed. */
  #welcome(socket: WebSocket, name: string, running: readonly PlacementKey[]): void {
    const { places, copies } = this.#deps;
    const own = places.on(name);
    const runs = ({ session_id, epoch }: Place) =>
      running.some((key) => key.session_id === session_id && key.epoch === epoch);
    const wanted = own.filter((one) => one.phase !== 'stopping' && runs(one));
    const keys = wanted.map(({ session_id, epoch }) => ({ session_id, epoch }));
    sendFrame(socket, { kind: 'welcome', wanted: keys, protocol: PROTOCOL });
    for (const one of own) {
      const { session_id, epoch, phase } = one;
      const launch = phase === 'sent' && !runs(one) ? places.launch(one) : null;
      // A launch that was lost on the way is sent again. A container that had started and runs no more has ended: the runner
      // is asked to stop it, and its answer says how it ended.
      if (launch !== null) sendFrame(socket, { kind: 'launch', launch });
      else if (phase === 'stopping' || !runs(one)) sendFrame(socket, { kind: 'stop', session_id, epoch });
    }
    for (const session_id of copies.removals(name)) sendFrame(socket, { kind: 'remove', session_id });
  }
}

/** Whether the two facts of one runner place sessions alike, and say the same of it. */
const placesAlike = (a: RunnerRow, b: RunnerRow): boolean =>
  JSON.stringify([a.health, a.storage, a.disk, a.losses]) === JSON.stringify([b.health, b.storage, b.disk, b.losses]);
