import { DurableObject } from 'cloudflare:workers';
import { CloseCode } from '../../protocol/close-code.ts';
import { edgeSettings, type EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { SessionFiles } from '../../protocol/api/files.ts';
import type { PoolHealth } from '../../protocol/health.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { Launch, PlacementKey, RunnerFrame, TreeName } from '../../protocol/link/runner-control.ts';
import { place, reach, type Needs, type Placement, type RunnerLoad } from './core/placement.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { FilesOrder, Ordered, PoolRpc } from '../rpc/pool-rpc.ts';
import { PoolTable, type Place, type RunnerRow } from './pool-table.ts';
import { parseFrame, RunnerSockets, sendFrame, SILENT_MS } from './runner-sockets.ts';

/** Trees that one frame names. */
const MAX_TREES = 1000;

/**
 * Runners, who runs where, and who has whose files. A session asks it for a place and is told when its container has ended, or
 * what has become of a snapshot.
 */
export class RunnerPool extends DurableObject<EdgeEnv> implements PoolRpc {
  readonly #settings: EdgeSettings;
  readonly #table: PoolTable;
  readonly #sockets: RunnerSockets;
  /** Launches whose sessions know that others wait for a place. Not stored: told twice is told once. */
  readonly #crowded = new Set<string>();

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    this.#table = new PoolTable(ctx.storage.sql);
    this.#sockets = new RunnerSockets(ctx);
    const now = Date.now();
    for (const runner of this.#table.runners()) {
      // Connected when the edge went down: it has its time to come back from now on.
      if (runner.away_since === null && this.#sockets.of(runner.name) === null) this.#away(runner, now);
    }
  }

  /** Asks for a container where the files allow it. The same (session, epoch) twice is one. */
  async requestPlace(launch: Launch, needs: Needs): Promise<Placement> {
    const { session_id, epoch } = launch;
    const known = this.#table.place(session_id);
    if (known === null || known.epoch !== epoch) this.#table.addPlace(launch, needs);
    await this.#fill(session_id);
    const runner = this.#table.place(session_id)?.runner ?? null;
    if (runner !== null) return { placed: true, runner };
    return place(this.#loads(), needs);
  }

  /** The runner that an `order` would go to. */
  chooseRunner(sessionId: string, needs: Needs): { readonly runner: string } | { readonly detail: string } {
    return reach(this.#loads(), this.#needsNow(sessionId, needs));
  }

  /** Has something done to a session's files by a runner that its files allow, if one is connected. */
  order(needs: Needs, order: FilesOrder): Ordered {
    const { session_id } = order;
    const really = this.#needsNow(session_id, needs);
    const found = reach(this.#loads(), really);
    if ('detail' in found) return { sent: false, detail: found.detail };
    const { runner } = found;
    this.#table.addCopy(session_id, runner);
    // A container may have been placed since the session asked: what that runner has is then newer than all else.
    const files =
      really === needs ? { ...order.files, local: localOn(runner, needs, order.files.local) } : required(order.files);
    this.#sockets.send(runner, { ...order, files });
    return { sent: true, runner };
  }

  /** Has something read out of a storage, by any runner that sees it: wherever the session's own files are. */
  orderStored(storage: string, order: FilesOrder): Ordered {
    const found = reach(this.#loads(), { on: 'storage', storage, prefer: null });
    if ('detail' in found) return { sent: false, detail: found.detail };
    this.#sockets.send(found.runner, order);
    return { sent: true, runner: found.runner };
  }

  /** Nothing refers to these trees any more. Where no runner sees the storage, a sweep will find them. */
  dropTrees(storage: string, owner: string, trees: readonly TreeName[]): void {
    const runner = this.#loads().find((one) => one.connected && one.storage?.id === storage);
    if (runner !== undefined) this.#drop(runner.name, owner, trees);
  }

  /** A container is no longer wanted. `ended`: there is none, so nothing more will be heard of it. */
  releasePlace({ session_id, epoch }: PlacementKey): { ended: boolean } {
    const known = this.#table.place(session_id);
    if (known === null || known.epoch !== epoch) return { ended: true };
    if (known.runner === null) {
      this.#table.removePlace(session_id, epoch);
      return { ended: true };
    }
    this.#table.setPhase(session_id, 'stopping');
    this.#sockets.send(known.runner, { kind: 'stop', session_id, epoch });
    return { ended: false };
  }

  /** The session is deleted: what runs of it ends, and its files go, as soon as its runner can be reached. */
  async forgetSession(sessionId: string): Promise<void> {
    const runners = this.#table.forget(sessionId);
    for (const runner of runners) this.#sockets.send(runner, { kind: 'remove', session_id: sessionId });
    await this.#fill();
  }

  health(): PoolHealth {
    const connected = this.#table.runners().filter(({ name }) => this.#sockets.of(name) !== null);
    const places = this.#table.places();
    return {
      ok: connected.some(({ health }) => health.ok),
      runners: connected.map(({ name, backend, health, capacity, draining }) => {
        const running = places.filter(({ runner }) => runner === name).length;
        return { name, backend, ok: health.ok, detail: health.detail, capacity, running, draining };
      }),
      waiting: places.filter(({ phase }) => phase === 'waiting').length,
    };
  }

  /** `/control?name=`: a runner's control socket; `functions/` has checked its token. */
  override fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get('name') ?? '';
    const { 0: client, 1: server } = new WebSocketPair();
    this.#sockets.accept(server, name);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const name = this.#sockets.nameOf(socket);
    const frame = parseFrame(message);
    if (frame === null) return socket.close(CloseCode.badFrame, 'not a frame of the control socket');
    try {
      await this.#receive(socket, name, frame);
    } catch (error) {
      // What a session could not be told is not acknowledged; the runner says it again when it comes back.
      console.error(`pool: a frame of "${name}" could not be dealt with: ${String(error)}`);
      socket.close(1011, 'try again');
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
    const name = this.#sockets.nameOf(socket);
    const runner = this.#table.runner(name);
    if (runner === null || this.#sockets.of(name, socket) !== null) return;
    this.#away(runner, Date.now());
    await this.#setAlarm();
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const runner of this.#table.runners()) {
      const socket = this.#sockets.of(runner.name);
      if (socket === null && runner.away_since === null) this.#away(runner, now);
      if (socket !== null && this.#sockets.isSilent(socket, now)) {
        socket.close(CloseCode.badFrame, 'no heartbeat');
        this.#away(runner, now);
      }
    }
    for (const runner of this.#table.runners()) {
      if (runner.away_since !== null && now >= runner.away_since + this.#lostAfter()) await this.#giveUp(runner);
    }
    await this.#fill();
    await this.#setAlarm();
  }

  async #receive(socket: WebSocket, name: string, frame: RunnerFrame): Promise<void> {
    switch (frame.kind) {
      case 'hello': {
        const { backend, health, capacity, storage } = frame;
        this.#table.saveRunner({ name, backend, health, capacity, storage, draining: false, away_since: null });
        this.#sockets.greeted(socket);
        this.#welcome(socket, name, frame.running);
        await this.#setAlarm();
        return this.#fill();
      }
      case 'started': {
        const known = this.#table.place(frame.session_id);
        if (known?.epoch !== frame.epoch) return;
        if (known.phase === 'sent') this.#table.setPhase(frame.session_id, 'started');
        const { resources, exposed_secrets } = frame;
        return this.#session(frame.session_id).started(frame.epoch, name, { resources, exposed_secrets });
      }
      case 'ended': {
        const { session_id, epoch, reason } = frame;
        await this.#tellEnded(session_id, epoch, reason, name);
        sendFrame(socket, { kind: 'ended_ack', session_id, epoch });
        return this.#fill();
      }
      case 'removed':
        this.#table.removed(frame.session_id, name);
        return this.#fill();
      case 'health': {
        const { storage } = this.#table.runner(name) ?? {};
        const known = storage === undefined ? {} : { storage: { ...storage, health: frame.storage } };
        return this.#patch(name, { health: frame.health, ...known });
      }
      case 'snapshot': {
        const { session_id, report } = frame;
        await this.#session(session_id).snapshotReported(report);
        if (report.state !== 'pending') sendFrame(socket, { kind: 'snapshot_ack', snapshot_id: report.snapshot_id });
        return;
      }
      case 'sweep':
        return this.#sweep(name, frame.owner, frame.trees);
      case 'transfer_refused':
        return this.#session(frame.session_id).transferRefused(frame.transfer_id, frame.refusal);
      case 'draining':
        return this.#patch(name, { draining: true });
    }
  }

  #patch(name: string, change: Partial<RunnerRow>): void {
    const runner = this.#table.runner(name);
    if (runner !== null) this.#table.saveRunner({ ...runner, ...change });
  }

  /** Tells a runner that has just connected what of its containers is wanted, and all that it may have missed. */
  #welcome(socket: WebSocket, name: string, running: readonly PlacementKey[]): void {
    const mine = this.#table.places().filter(({ runner }) => runner === name);
    const runs = ({ session_id, epoch }: Place) =>
      running.some((key) => key.session_id === session_id && key.epoch === epoch);
    const wanted = mine.filter((held) => held.phase !== 'stopping' && runs(held));
    sendFrame(socket, { kind: 'welcome', wanted: wanted.map(({ session_id, epoch }) => ({ session_id, epoch })) });
    for (const held of mine) {
      const { session_id, epoch, phase, launch } = held;
      // A launch that was lost on the way is sent again. What had started and runs no more has ended: the runner is
      // asked to end it, and answers with how it did.
      if (phase === 'sent' && !runs(held)) sendFrame(socket, { kind: 'launch', launch });
      else if (phase === 'stopping' || !runs(held)) sendFrame(socket, { kind: 'stop', session_id, epoch });
    }
    for (const session_id of this.#table.removals(name)) sendFrame(socket, { kind: 'remove', session_id });
  }

  /** Gives places to those who wait, the longest first; `asking` is answered by its caller. */
  async #fill(asking?: string): Promise<void> {
    const news: Promise<void>[] = [];
    let isCrowded = false;
    for (const held of this.#table.places()) {
      if (held.phase !== 'waiting') continue;
      const { session_id, epoch, needs } = held;
      const found = place(this.#loads(), needs);
      isCrowded ||= !found.placed && found.reason.code === 'pool_full';
      if (found.placed) {
        const { runner } = found;
        const local = localOn(runner, needs, held.launch.files.local);
        const launch = { ...held.launch, files: { ...held.launch.files, local } };
        this.#table.assign(launch, runner);
        this.#sockets.send(runner, { kind: 'launch', launch });
        if (session_id !== asking) news.push(this.#session(session_id).placed(epoch, runner));
      } else if (held.told !== found.reason.detail) {
        this.#table.setTold(session_id, found.reason.detail);
        if (session_id !== asking) news.push(this.#session(session_id).waiting(epoch, found.reason));
      }
    }
    await Promise.all(news);
    this.ctx.waitUntil(this.#tellCrowded(isCrowded));
  }

  /** Sessions that hold a place hear whether others wait for one: those that are idle then make room. */
  async #tellCrowded(isCrowded: boolean): Promise<void> {
    const held = this.#table.places().filter(({ runner, phase }) => runner !== null && phase !== 'stopping');
    const known = new Set(held.map(keyOf));
    for (const key of this.#crowded) if (!known.has(key)) this.#crowded.delete(key);
    const concerned = held.filter((one) => this.#crowded.has(keyOf(one)) !== isCrowded);
    for (const one of concerned) {
      if (isCrowded) this.#crowded.add(keyOf(one));
      else this.#crowded.delete(keyOf(one));
    }
    const told = concerned.map(({ session_id, epoch }) => this.#session(session_id).crowded(epoch, isCrowded));
    for (const one of await Promise.allSettled(told)) {
      // It makes room after its own idle time, then.
      if (one.status === 'rejected')
        console.warn(`pool: a session was not told of those that wait: ${String(one.reason)}`);
    }
  }

  #loads(): RunnerLoad[] {
    const places = this.#table.places();
    return this.#table.runners().map(({ name, capacity, draining, health, storage }) => ({
      name,
      connected: this.#sockets.of(name) !== null,
      draining,
      capacity,
      running: places.filter(({ runner }) => runner === name).length,
      trouble: health.ok ? null : health.detail,
      storage: { id: storage.id, ok: storage.health.ok },
    }));
  }

  /** A session that has a container somewhere has its files there, whatever it knew when it asked. */
  #needsNow(sessionId: string, needs: Needs): Needs {
    const runner = this.#table.place(sessionId)?.runner ?? null;
    return runner === null ? needs : { on: 'runner', runner };
  }

  async #sweep(name: string, owner: string, trees: readonly TreeName[]): Promise<void> {
    const directory = this.#directory(owner);
    // The storage may be shared with another edge: what is not known here is not ours to drop.
    const unreferenced = directory === null ? [] : await directory.unreferenced(trees);
    this.#drop(name, owner, unreferenced);
  }

  #drop(name: string, owner: string, trees: readonly TreeName[]): void {
    for (let first = 0; first === 0 || first < trees.length; first += MAX_TREES) {
      this.#sockets.send(name, { kind: 'drop', owner, trees: trees.slice(first, first + MAX_TREES) });
    }
  }

  #directory(owner: string) {
    try {
      return this.env.DIRECTORY.get(this.env.DIRECTORY.idFromString(owner));
    } catch (error) {
      // An id of another namespace is a TypeError.
      if (error instanceof TypeError) return null;
      throw error;
    }
  }

  #session(id: string) {
    return sessionStub(this.env, id);
  }

  async #tellEnded(sessionId: string, epoch: number, reason: Reason, runner: string): Promise<void> {
    // First the session, then the table: a crash in between repeats the telling, which changes nothing.
    await this.#session(sessionId).ended(epoch, reason, runner);
    this.#table.removePlace(sessionId, epoch);
  }

  /** A runner has been away for too long: what it ran is taken for lost. */
  async #giveUp(runner: RunnerRow): Promise<void> {
    const detail = `The runner "${runner.name}" has not been reachable for ${this.#settings.RUNNER_LOST_AFTER} s. Send the message again once a runner is back.`;
    for (const held of this.#table.places()) {
      if (held.runner !== runner.name) continue;
      await this.#tellEnded(held.session_id, held.epoch, { code: 'runner_lost', detail }, runner.name);
    }
    this.#table.removeRunner(runner.name);
  }

  #lostAfter(): number {
    return this.#settings.RUNNER_LOST_AFTER * 1000;
  }

  #away(runner: RunnerRow, now: number): void {
    this.#table.saveRunner({ ...runner, away_since: now });
  }

  async #setAlarm(): Promise<void> {
    const now = Date.now();
    const times = this.#table.runners().map(({ away_since }) => {
      return away_since === null ? now + SILENT_MS : away_since + this.#lostAfter();
    });
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.min(...times));
  }
}

const keyOf = ({ session_id, epoch }: PlacementKey) => `${session_id}/${epoch}`;

/** What a runner's own copy of the files is worth, by what it is worth on the runner that has it. */
function localOn(runner: string, needs: Needs, local: SessionFiles['local']): SessionFiles['local'] {
  return needs.on === 'storage' && needs.prefer !== runner ? 'stale' : local;
}

function required(files: SessionFiles): SessionFiles {
  return { ...files, local: 'required' };
}
