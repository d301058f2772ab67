import path from 'node:path';
import type { Launch, PlacementKey } from '../../../protocol/link/runner-control.ts';
import { STREAMS_SOCKET } from '../../../protocol/link/tunnel/streams.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { ContainerBackend } from '../../backend/backend.ts';
import type { FreeSpace } from '../../lib/disk/free-space.ts';
import type { Measure } from '../../lib/disk/usage.ts';
import type { Log } from '../../lib/log.ts';
import { makeSessionFolders, type Placement, type SessionFolders } from '../../lib/session-folders.ts';
import type { EdgeAgents } from '../../link/dial.ts';
import { Relay, type RelayOptions } from '../../link/relay/relay.ts';
import type { Traces } from '../../lib/traces.ts';
import type { SocketAliases } from '../../link/socket-alias.ts';
import { SessionTunnel } from '../../link/tunnel/session-tunnel.ts';
import { StreamServer } from '../../link/tunnel/stream-server.ts';
import { openModelGateway, type ModelGateway } from '../../model/gateway.ts';
import type { ModelExchange, ModelHandler } from '../../model/exchange.ts';
import { ContainerTelemetry } from '../../model/telemetry.ts';
import type { ModelUpstream } from '../../model/upstream.ts';
import { PROXY_SOCKET } from './launch-file.ts';
import type { ContainerLimits } from './resources.ts';
import type { SessionMachine } from '../environment/devcontainer/session-machine.ts';
import type { EnvironmentImages } from '../environment/environment-images.ts';
import { writeRunFolder } from './run-folder.ts';
import { openSessionEgress, type EgressDependencies, type EgressPlan } from './session-egress.ts';

type FoundMachine = Extract<SessionMachine, { ok: true }>;

/** What all containers of a runner share. */
export interface ContainerDependencies {
  backend: ContainerBackend;
  upstream: ModelUpstream;
  /** Makes the handler of one session's model calls. */
  newModelHandler: () => ModelHandler;
  aliases: SocketAliases;
  edgeUrl: string;
  /** Absent: the edge is dialled directly. */
  agents?: EdgeAgents | undefined;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
  egress: EgressDependencies;
  /** Absent: this runner has no images but the session image. */
  environments?: Pick<EnvironmentImages, 'imageFor' | 'run'> | undefined;
  /** Of the file system that has the sessions' files. */
  space: FreeSpace;
  measure: Measure;
  /** The operator's limits for one container. */
  limits: ContainerLimits;
  log: Log;
  /** Absent: nothing is traced. */
  traces?: Traces;
}

export interface ContainerSocketsOptions extends ContainerDependencies {
  key: PlacementKey;
  folders: SessionFolders;
  placement: Placement;
  /** Absent: an earlier runner process started the container. */
  launch: Launch | undefined;
  onRefused: RelayOptions['onRefused'];
  /** The container has cloned its repositories, or has found that it has none to clone, and waits. At least once. */
  onCloned: (how: 'cloned' | 'kept') => void;
  /** Its wrapper does not answer any more, or cannot be reached. */
  onUnresponsive: NonNullable<RelayOptions['onUnresponsive']>;
}

/** A container's sockets, its only ways out: the link to its session, the model gateway, and the egress proxy. */
export class ContainerSockets {
  readonly #options: ContainerSocketsOptions;
  #relay: Relay | undefined;
  #streams: StreamServer | undefined;
  #tunnel: SessionTunnel | undefined;
  #gateway: ModelGateway | undefined;
  #egress: { close(): Promise<void> } | undefined;
  #alias: { path: string; release(): Promise<void> } | undefined;
  /** Calls to the model are paused: what the session said last. */
  #modelPaused = false;
  #abandoned = false;
  #launchFile: WrapperLaunch | undefined;
  /** The place in its trace of the turn that runs, or ran last; undefined: it is not traced. */
  #turn: string | undefined;

  constructor(options: ContainerSocketsOptions) {
    this.#options = options;
  }

  /**
   * Opens the sockets, writes the files of the run folder for a new container, and connects to the session at the same time.
   *
   * @param findMachine finds or builds what the session's environment starts from. It is called when the session can be told of that, and
   * what it finds is what the run folder says. Absent: the session image
   * @returns what that returned
   * @throws when one of it fails; the others are then open, and are to be closed
   */
  async open(
    plan: EgressPlan,
    clone: boolean,
    findMachine?: () => Promise<SessionMachine>,
  ): Promise<SessionMachine | undefined> {
    const { backend, folders, aliases } = this.#options;
    await makeSessionFolders(folders, backend.owner);
    const alias = await aliases.for(folders.run);
    this.#alias = alias;
    // Wait for all of them before an error is thrown, so that `close` finds everything that opened.
    const results = await Promise.allSettled([
      this.#openRelay(alias.path, plan),
      this.#openStreams(alias.path),
      this.#openGateway(alias.path),
      findMachine === undefined ? this.#writeFiles(alias.path, plan, clone, undefined) : undefined,
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const found = await findMachine?.();
    if (found?.ok === true) await this.#writeFiles(alias.path, plan, clone, found);
    return found;
  }

  /** What `launch.json` says; undefined: this process has not written it. */
  get launchFile(): WrapperLaunch | undefined {
    return this.#launchFile;
  }

  /** Sends notices of the runner itself to the session. */
  notify(notices: readonly RunnerNotice[]): void {
    this.#relay?.notify(notices);
  }

  /** The container is paused, or goes on. */
  setPaused(paused: boolean): void {
    this.#relay?.setPaused(paused);
  }

  /** Lets a wrapper continue after its clone. */
  go(): void {
    this.#relay?.go();
  }

  /** Nobody wants what is not stored yet: `drained` no longer waits for it. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.#relay?.close();
  }

  /** The container has ended: reads what it left, and closes what served it. The link to the session stays. */
  async containerEnded(): Promise<void> {
    // First, so that the last notices of egress are among what the session has to store.
    await this.#egress?.close();
    await this.#relay?.containerEnded();
    await this.#closeTunnel();
    await Promise.all([this.#gateway?.close(), this.#alias?.release()]);
  }

  /** Resolves when the session has stored everything. The link to it is then closed. */
  async drained(): Promise<void> {
    await this.#relay?.drained();
    await this.#relay?.close();
  }

  /** Closes everything at once. What is not stored is lost. */
  async close(): Promise<void> {
    await this.#egress?.close();
    await this.#closeTunnel();
    await Promise.all([this.#relay?.close(), this.#gateway?.close(), this.#alias?.release()]);
  }

  async #openRelay(runPath: string, plan: EgressPlan): Promise<void> {
    const { key, edgeUrl, agents, placement, launch, backend, log, onRefused, onCloned, onUnresponsive } =
      this.#options;
    this.#relay = await Relay.open({
      linkPath: path.join(runPath, 'link.sock'),
      epoch: key.epoch,
      url: `${edgeUrl}/api/v1/runner/sessions/${key.session_id}/data`,
      token: placement.token,
      agents,
      fresh: launch !== undefined,
      log,
      onRefused,
      line: backend.line && { ...backend.line, isUp: () => backend.line?.isUp(key) !== false },
      onUnresponsive,
      onNotice: (notice) => {
        const how = afterClones(notice);
        if (how !== null) onCloned(how);
      },
      onModelPaused: (paused) => this.#pauseModel(paused),
      onTunnel: () => this.#tunnel?.ask(),
      onPrompt: (traceparent) => (this.#turn = traceparent),
    });
    if (this.#abandoned) await this.#relay.close();
    // After the relay, which sends the notices of egress.
    if (backend.seal !== null) await this.#openEgress(runPath, plan, this.#relay);
  }

  async #openStreams(runPath: string): Promise<void> {
    const { key, edgeUrl, agents, placement, log } = this.#options;
    const streams = await StreamServer.open(path.join(runPath, STREAMS_SOCKET), log);
    this.#streams = streams;
    const url = `${edgeUrl}/api/v1/runner/sessions/${key.session_id}/tunnel`;
    this.#tunnel = new SessionTunnel({ url, token: placement.token, agents, streams, log });
  }

  async #closeTunnel(): Promise<void> {
    this.#tunnel?.close();
    await this.#streams?.close();
  }

  async #openEgress(runPath: string, plan: EgressPlan, relay: Relay): Promise<void> {
    const { egress, log } = this.#options;
    this.#egress = await openSessionEgress({
      plan,
      dependencies: egress,
      socketPath: path.join(runPath, PROXY_SOCKET),
      notify: (notices) => relay.notify(notices),
      log,
    });
  }

  async #openGateway(runPath: string): Promise<void> {
    const { newModelHandler, traces, key, log } = this.#options;
    const telemetry = traces?.isOn === true ? new ContainerTelemetry(traces.settings, key.session_id, log) : undefined;
    this.#gateway = await openModelGateway({
      socketPath: path.join(runPath, 'model.sock'),
      handler: newModelHandler(),
      ...(telemetry && { others: (request, response) => telemetry.serve(request, response) }),
      onExchange: (exchange, start) => this.#traceCall(exchange, start),
      log: (level, message) => log[level]('model gateway', { message }),
    });
    // The session may have paused the model while the gateway opened.
    this.#gateway.setPaused(this.#modelPaused);
  }

  async #writeFiles(runPath: string, plan: EgressPlan, clone: boolean, found: FoundMachine | undefined): Promise<void> {
    const { launch = this.#options.launch, image } = found ?? {};
    if (launch === undefined) return;
    this.#launchFile = await writeRunFolder({ ...this.#options, launch, plan, clone, runPath, image });
  }

  /** Of the model's name, and of all else that a call carries, nothing is read here. */
  #traceCall(exchange: ModelExchange, start: number): void {
    const status = 'status' in exchange ? exchange.status : undefined;
    const failed = exchange.outcome !== 'answered' || exchange.status >= 400;
    this.#options.traces?.record(this.#turn, {
      name: 'chat',
      kind: 'client',
      start,
      end: Date.now(),
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.conversation.id': this.#options.key.session_id,
        'http.response.status_code': status,
      },
      ...(failed && { error: exchange.outcome === 'answered' ? String(exchange.status) : exchange.outcome }),
    });
  }

  #pauseModel(paused: boolean): void {
    if (paused === this.#modelPaused) return;
    this.#modelPaused = paused;
    this.#options.log.info(paused ? 'calls to the model are paused' : 'calls to the model continue');
    this.#gateway?.setPaused(paused);
  }
}

/** What has become of the repositories, once the last is done; null: it is not, or there are none. */
function afterClones(notice: WrapperNotice): 'cloned' | 'kept' | null {
  const { notice: name } = notice;
  if (name !== 'cloned' && name !== 'fetched' && name !== 'clone_skipped' && name !== 'prepared') return null;
  if (name !== 'prepared' && notice.more === true) return null;
  return name === 'cloned' || notice.after_clone === true ? 'cloned' : 'kept';
}
