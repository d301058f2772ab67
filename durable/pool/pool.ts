import { DurableObject } from 'cloudflare:workers';
import { CloseCode } from '../../protocol/close-code.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { edgeSettings, type EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { PoolHealth } from '../../protocol/health.ts';
import type { Counts } from '../../protocol/metrics/registry.ts';
import type { Launch, PlacementKey, TreeName } from '../../protocol/link/runner-control.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import type {
  EnrolInput,
  FilesOrder,
  Ordered,
  PoolRpc,
  RunnerChange,
  RunnerHome,
  RunnerOfPool,
} from '../rpc/pool-rpc.ts';
import { migrate, stampVersion } from '../shared/schema.ts';
import { isOfPresentKey, mintSessionToken } from '../shared/tokens/session-token.ts';
import { count } from '../rpc/telemetry/counts.ts';
import { MAX_UNKNOWN_PER_MINUTE, UnknownFrames } from '../shared/unknown-frames.ts';
import type { Needs, Placement, RunnerChoice } from './core/placement.ts';
import { restsUntil, withLoss } from './core/resting.ts';
import { FileOrders } from './file-orders.ts';
import { Fleet } from './fleet.ts';
import { PlacementQueue } from './placement-queue.ts';
import { RunnerFrames } from './runner-frames.ts';
import { parseFrame, RunnerSockets, SILENT_MS } from './runner-sockets.ts';
import { CopiesTable } from './tables/copies-table.ts';
import { Cordons } from './tables/cordons.ts';
import { PlacesTable } from './tables/places-table.ts';
import { RunnerKeys } from './tables/runner-keys.ts';
import { RunnerMetricsTable } from './tables/runner-metrics-table.ts';
import { RunnersTable, type RunnerRow } from './tables/runners-table.ts';
import { POOL_SCHEMA } from './tables/schema.ts';

/**
 * The runners, which container runs on which of them, and which of them have whose files. A session asks the pool for a place, and is
 * called when its container has ended or when a snapshot has been made.
 */
export class RunnerPool extends DurableObject<EdgeEnv> implements PoolRpc {
  readonly #settings: EdgeSettings;
  readonly #runners: RunnersTable;
  readonly #places: PlacesTable;
  readonly #copies: CopiesTable;
  readonly #keys: RunnerKeys;
  readonly #sockets: RunnerSockets;
  readonly #queue: PlacementQueue;
  readonly #orders: FileOrders;
  readonly #frames: RunnerFrames;
  readonly #metrics: RunnerMetricsTable;
  readonly #cordons: Cordons;
  readonly #fleet: Fleet;
  readonly #unknown = new UnknownFrames();

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    const isNew = migrate(ctx.storage, POOL_SCHEMA) === 'none';
    const { sql } = ctx.storage;
    this.#runners = new RunnersTable(sql);
    this.#places = new PlacesTable(sql);
    this.#copies = new CopiesTable(sql);
    if (isNew) stampVersion(sql, POOL_SCHEMA);
    this.#keys = new RunnerKeys(sql);
    this.#sockets = new RunnerSockets(ctx);
    this.#metrics = new RunnerMetricsTable(sql);
    this.#cordons = new Cordons(sql);
    const tables = { runners: this.#runners, places: this.#places, copies: this.#copies };
    const deps = {
      ctx,
      env,
      ...tables,
      sockets: this.#sockets,
      metrics: this.#metrics,
      cordons: this.#cordons,
      mixesIsolation: this.#settings.MIX_ISOLATION,
      setAlarm: () => this.#setAlarm(),
    };
    this.#queue = new PlacementQueue(deps);
    this.#fleet = new Fleet(deps, this.#keys, this.#queue);
    this.#orders = new FileOrders(deps, this.#queue);
    this.#frames = new RunnerFrames(deps, this.#queue, this.#orders);
    void ctx.blockConcurrencyWhile(() => this.#renewTokens());
    const now = Date.now();
    for (const runner of this.#runners.all()) {
      // It was connected when the edge stopped: its time to come back begins now. It was not lost, the edge was.
      if (runner.away_since === null && this.#sockets.of(runner.name) === null)
        this.#runners.save({ ...runner, away_since: now });
    }
  }

  requestPlace(launch: Launch, needs: Needs): Promise<Placement> {
    return this.#queue.request(launch, needs);
  }

  async releasePlace({ session_id, epoch }: PlacementKey): Promise<{ ended: boolean }> {
    const known = this.#places.of(session_id);
    if (known === null || known.epoch !== epoch) return { ended: true };
    if (known.runner === null) {
      this.#places.remove(session_id, epoch);
      // Those behind it have moved up.
      await this.#queue.fill();
      return { ended: true };
    }
    this.#places.setPhase(known, 'stopping');
    this.#sockets.send(known.runner, { kind: 'stop', session_id, epoch });
    return { ended: false };
  }

  chooseRunner(sessionId: string, needs: Needs): RunnerChoice {
    return this.#orders.choose(sessionId, needs);
  }

  order(needs: Needs, order: FilesOrder): Ordered {
    return this.#orders.order(needs, order);
  }

  orderStored(storage: string, order: FilesOrder): Ordered {
    return this.#orders.orderStored(storage, order);
  }

  dropTrees(storage: string, owner: string, trees: readonly TreeName[]): boolean {
    return this.#orders.dropTrees(storage, owner, trees);
  }

  knows(sessionId: string): boolean {
    return this.#places.of(sessionId) !== null || this.#copies.knows(sessionId);
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.#places.forget(sessionId);
    const runners = this.#copies.forget(sessionId);
    for (const runner of runners) this.#sockets.send(runner, { kind: 'remove', session_id: sessionId });
    await this.#queue.fill();
  }

  enrol(input: EnrolInput): { enrolled: true } | Refusal {
    const before = this.#keys.of(input.name);
    const refused = this.#keys.enrol(input, Date.now());
    if (refused !== null) return refused;
    // Who has the former key is not this runner any more.
    if (before !== null && before !== input.key) this.#sockets.dismiss(input.name);
    return { enrolled: true };
  }

  claimRunnerName(name: string, pool: string): { claimed: true } | Refusal {
    return this.#keys.claim(name, pool) ?? { claimed: true };
  }

  runnerHome(name: string): RunnerHome {
    return this.#keys.home(name);
  }

  runnerKey(name: string): string | null {
    return this.#keys.of(name);
  }

  runners(): RunnerOfPool[] {
    return this.#fleet.list(Date.now());
  }

  changeRunner(name: string, change: RunnerChange): Promise<RunnerOfPool | Refusal> {
    return this.#fleet[change](name, Date.now());
  }

  health(): PoolHealth {
    const connected = this.#runners.all().filter(({ name }) => this.#sockets.of(name) !== null);
    return {
      ok: connected.some(({ health, disk }) => health.ok && disk?.low !== true),
      runners: connected.map(({ name, backend, health, capacity, draining, disk, unknown = 0 }) => {
        const running = this.#places.byRunner.count(name);
        const { ok, detail } = health;
        const runner = { name, backend, ok, detail, capacity, running, draining, unknown_frames: unknown };
        const cordoned = this.#cordons.of(name) !== null;
        return { ...runner, ...(cordoned && { cordoned }), ...(disk !== undefined && { disk }) };
      }),
      waiting: this.#places.countWaiting(),
    };
  }

  runnerMetrics(): Readonly<Record<string, Counts>> {
    const all = Object.entries(this.#metrics.all());
    return Object.fromEntries(all.filter(([name]) => this.#sockets.of(name) !== null));
  }

  /** `/control?name=`: a runner's control socket. `functions/` has checked its token. 409: a runner with this name is here, and lives. */
  override async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).searchParams.get('name') ?? '';
    if (!(await this.#sockets.isFree(name))) return new Response(null, { status: 409 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#sockets.accept(server, name);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const name = this.#sockets.nameOf(socket);
    const received = parseFrame(message);
    if (received.is === 'invalid') return socket.close(CloseCode.badFrame, 'not a frame of the control socket');
    const unknown = received.is === 'frame' ? received.unknown : 1;
    if (unknown > 0) count('cc_docker_unknown_frames_total', { from: 'runner' }, unknown);
    if (unknown > 0 && !this.#unknown.allows(name, unknown, Date.now())) {
      return socket.close(CloseCode.tooMany, `more than ${MAX_UNKNOWN_PER_MINUTE} unknown frames or fields a minute`);
    }
    try {
      if (received.is === 'frame') await this.#frames.receive(socket, name, received.frame);
      // After it: the first frame makes the runner known.
      if (unknown > 0) this.#frames.countUnknown(name, unknown);
    } catch (error) {
      // The frame is not acknowledged, so the runner sends it again when it comes back.
      console.error(`pool: a frame of "${name}" could not be handled: ${String(error)}`);
      socket.close(1011, 'try again');
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
    const name = this.#sockets.nameOf(socket);
    const runner = this.#runners.of(name);
    if (this.#sockets.of(name, socket) !== null) return;
    this.#sockets.probed(name, false);
    if (runner === null) return;
    this.#setAway(runner, Date.now());
    await this.#setAlarm();
    // Sessions that wait have another reason now.
    await this.#queue.fill();
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const runner of this.#runners.all()) {
      const socket = this.#sockets.of(runner.name);
      if (socket === null && runner.away_since === null) this.#setAway(runner, now);
      if (socket !== null && this.#sockets.isSilent(socket, now)) {
        socket.close(CloseCode.badFrame, 'no heartbeat');
        this.#setAway(runner, now);
      }
    }
    for (const runner of this.#runners.all()) {
      if (runner.away_since !== null && now >= runner.away_since + this.#lostAfter()) await this.#giveUp(runner);
    }
    await this.#queue.fill();
    await this.#setAlarm();
  }

  /** Launches that are still to be sent may be older than the secret, or than this version: their tokens are minted anew. */
  async #renewTokens(): Promise<void> {
    const sent = this.#places.placed().filter(({ phase }) => phase === 'sent');
    for (const place of [...this.#places.waiting(), ...sent]) {
      const launch = this.#places.launch(place);
      if (launch === null || (await isOfPresentKey(this.#settings, launch.token))) continue;
      this.#places.setToken(place, launch, await mintSessionToken(this.#settings, place.session_id, place.epoch));
    }
  }

  /** A runner has been away for too long: its containers count as lost. */
  async #giveUp(runner: RunnerRow): Promise<void> {
    const detail = `The runner "${runner.name}" has not been reachable for ${this.#settings.RUNNER_LOST_AFTER} s. Send the message again once a runner is back.`;
    for (const { session_id, epoch } of this.#places.on(runner.name))
      await this.#queue.end(session_id, epoch, { code: 'runner_lost', detail }, runner.name);
    this.#metrics.remove(runner.name);
    this.#runners.save({ ...runner, lost: true });
  }

  #lostAfter(): number {
    return this.#settings.RUNNER_LOST_AFTER * 1000;
  }

  /** The runner's connection is gone. One that drains goes on purpose. */
  #setAway(runner: RunnerRow, now: number): void {
    const isPlanned = runner.draining || this.#cordons.of(runner.name)?.drain === true;
    const losses = isPlanned ? runner.losses : withLoss(runner.losses ?? [], now);
    this.#runners.save({ ...runner, ...(losses && { losses }), away_since: now });
  }

  async #setAlarm(): Promise<void> {
    const now = Date.now();
    const runners = this.#runners.all();
    const times = runners.map(({ away_since }) => {
      return away_since === null ? now + SILENT_MS : away_since + this.#lostAfter();
    });
    // Sessions that wait for it may be placed on it then.
    const rests = runners.flatMap(({ losses = [] }) => restsUntil(losses, now) ?? []);
    const next = this.#queue.nextTry();
    const due = [...times, ...rests, ...(next === null ? [] : [next])];
    if (due.length > 0) await this.ctx.storage.setAlarm(Math.min(...due));
  }
}
