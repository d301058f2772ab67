import { CloseCode } from '../../protocol/close-code.ts';
import { isolates, type BackendName, type PlacementKey, type RunnerFrame } from '../../protocol/link/runner-control.ts';
import { FIRST_PROTOCOL, PROTOCOL, tooFarApart, worksWith } from '../../protocol/link/protocol-version.ts';
import { sessionStub } from '../rpc/edge-env.ts';
import type { FileOrders } from './file-orders.ts';
import type { PlacementQueue, PoolDependencies } from './placement-queue.ts';
import type { Place, RunnerRow } from './pool-table.ts';
import { sendFrame } from './runner-sockets.ts';

/**
 * What runners say on their control sockets, and what they are told when they connect. A runner speaks for the sessions that
 * were placed on it, or whose files it was given, and for no other.
 */
export class RunnerFrames {
  readonly #deps: PoolDependencies;
  readonly #queue: PlacementQueue;
  readonly #orders: FileOrders;
  readonly #setAlarm: () => Promise<void>;

  /** @param setAlarm sets the alarm that finds runners which fall silent */
  constructor(deps: PoolDependencies, queue: PlacementQueue, orders: FileOrders, setAlarm: () => Promise<void>) {
    this.#deps = deps;
    this.#queue = queue;
    this.#orders = orders;
    this.#setAlarm = setAlarm;
  }

  /** @throws when another object could not be called: the runner has to send the frame again */
  async receive(socket: WebSocket, name: string, frame: RunnerFrame): Promise<void> {
    const { env, table, sockets, metrics, cordons } = this.#deps;
    if ((frame.kind === 'hello' || frame.kind === 'health') && frame.metrics) metrics.set(name, frame.metrics);
    switch (frame.kind) {
      case 'hello': {
        const { kind: _, metrics: __, running, protocol = FIRST_PROTOCOL, draining = false, ...facts } = frame;
        if (!worksWith(protocol)) {
          return socket.close(CloseCode.forbidden, tooFarApart({ runner: protocol, edge: PROTOCOL }));
        }
        const unlike = this.#unlike(name, facts.backend);
        if (unlike !== null) return socket.close(CloseCode.forbidden, unlike);
        const unknown = table.everyRunner().find((one) => one.name === name)?.unknown ?? 0;
        table.saveRunner({ name, ...facts, protocol, unknown, draining, away_since: null });
        sockets.greeted(socket);
        this.#welcome(socket, name, running);
        if (cordons.of(name)?.drain === true && protocol >= 2) sendFrame(socket, { kind: 'drain', on: true });
        await this.#setAlarm();
        return this.#queue.fill();
      }
      case 'started': {
        const known = table.place(frame.session_id);
        if (known?.epoch !== frame.epoch || known.runner !== name) return;
        if (known.phase === 'sent') table.setPhase(frame.session_id, 'started');
        const { resources, exposed_secrets } = frame;
        return sessionStub(env, frame.session_id).started(frame.epoch, name, { resources, exposed_secrets });
      }
      case 'ended': {
        const { session_id, epoch, reason } = frame;
        const known = table.place(session_id);
        // Otherwise the place was given up before, or was never this runner's. It need not say so again.
        if (known?.epoch === epoch && known.runner === name) await this.#queue.end(session_id, epoch, reason, name);
        sendFrame(socket, { kind: 'ended_ack', session_id, epoch });
        return this.#queue.fill();
      }
      case 'removed':
        table.removed(frame.session_id, name);
        return this.#queue.fill();
      case 'health': {
        const { storage } = table.runner(name) ?? {};
        const known = storage === undefined ? {} : { storage: { ...storage, health: frame.storage } };
        this.#update(name, { health: frame.health, ...known, ...(frame.disk && { disk: frame.disk }) });
        // Its disk may have room again, or none any more: the sessions that wait are to know.
        return this.#queue.fill();
      }
      case 'snapshot': {
        const { session_id, report } = frame;
        if (table.hasCopy(session_id, name)) await sessionStub(env, session_id).snapshotReported(report);
        else console.warn(`pool: "${name}" reported a snapshot of a session whose files it was never given`);
        if (report.state !== 'pending') sendFrame(socket, { kind: 'snapshot_ack', snapshot_id: report.snapshot_id });
        return;
      }
      case 'sweep':
        return this.#orders.sweep(name, frame.owner, frame.trees);
      case 'transfer_refused':
        if (!table.knows(frame.session_id)) return;
        return sessionStub(env, frame.session_id).transferRefused(frame.transfer_id, name, frame.refusal);
      case 'alive':
        return sockets.probed(name, true);
      case 'draining': {
        const { on: draining = true } = frame;
        this.#update(name, { draining });
        await this.#queue.sendDraining(name, draining);
        return this.#queue.fill();
      }
    }
  }

  /** Frames or fields of this runner were passed over. */
  countUnknown(name: string, count: number): void {
    this.#update(name, { unknown: (this.#deps.table.runner(name)?.unknown ?? 0) + count });
  }

  /** Why this runner may not be beside those that are connected: sessions would be isolated or not by chance. Null: it may. */
  #unlike(name: string, backend: BackendName): string | null {
    const { table, sockets, mixesIsolation } = this.#deps;
    if (mixesIsolation) return null;
    const others = table.runners().filter((one) => one.name !== name && sockets.of(one.name) !== null);
    const unlike = others.find((one) => isolates(one.backend) !== isolates(backend));
    if (unlike === undefined) return null;
    return `${unlike.name} is a ${unlike.backend} runner: set MIX_ISOLATION=true at the edge to have both`.slice(
      0,
      120,
    );
  }

  #update(name: string, change: Partial<RunnerRow>): void {
    const { table } = this.#deps;
    const runner = table.runner(name);
    if (runner !== null) table.saveRunner({ ...runner, ...change });
  }

  /** Tells a runner that has just connected which of its containers are wanted, and all that it may have missed. */
  #welcome(socket: WebSocket, name: string, running: readonly PlacementKey[]): void {
    const { table } = this.#deps;
    const own = table.places().filter(({ runner }) => runner === name);
    const runs = ({ session_id, epoch }: Place) =>
      running.some((key) => key.session_id === session_id && key.epoch === epoch);
    const wanted = own.filter((one) => one.phase !== 'stopping' && runs(one));
    const keys = wanted.map(({ session_id, epoch }) => ({ session_id, epoch }));
    sendFrame(socket, { kind: 'welcome', wanted: keys, protocol: PROTOCOL });
    for (const one of own) {
      const { session_id, epoch, phase, launch } = one;
      // A launch that was lost on the way is sent again. A container that had started and runs no more has ended: the runner
      // is asked to stop it, and its answer says how it ended.
      if (phase === 'sent' && !runs(one)) sendFrame(socket, { kind: 'launch', launch });
      else if (phase === 'stopping' || !runs(one)) sendFrame(socket, { kind: 'stop', session_id, epoch });
    }
    for (const session_id of table.removals(name)) sendFrame(socket, { kind: 'remove', session_id });
  }
}
