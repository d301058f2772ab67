import {
  HEARTBEAT,
  HEARTBEAT_MS,
  type Launch,
  type RunnerFrame,
  type SnapshotReport,
  type TreeName,
} from '../../../protocol/link/runner-control.ts';
import type { LinkItem } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { dial } from './api.ts';
import type { Socket } from './socket.ts';
import { runnerToken } from './runner-token.ts';

const FINE = { ok: true, detail: 'fine' };
const HELLO = { version: '0', backend: 'process' as const, health: FINE, labels: {} };

/** A storage that runners may share. */
export const storage = (id: string) => ({ id, kind: 's3' as const, health: FINE });

/** Of the frames that a container gets: what it is to do. */
export const isCommand = ({ kind }: { kind: string }) => kind === 'command';

/** A runner as the edge sees one, with containers that say what the test says. */
export class FakeRunner {
  readonly name: string;
  readonly control: Socket;

  private constructor(name: string, control: Socket) {
    this.name = name;
    this.control = control;
    // Three of them missing, and the pool takes it for gone: on a busy machine, a test takes longer than that.
    control.keepSaying(HEARTBEAT, HEARTBEAT_MS);
  }

  /** One that has connected in its own way. */
  static of(name: string, control: Socket): FakeRunner {
    return new FakeRunner(name, control);
  }

  static async connect(
    name: string = crypto.randomUUID(),
    hello: Partial<Extract<RunnerFrame, { kind: 'hello' }>> = {},
  ) {
    const runner = new FakeRunner(name, await dial('/control', await runnerToken(name)));
    runner.send({ kind: 'hello', capacity: 100, running: [], storage: storage(`of ${name}`), ...HELLO, ...hello });
    await runner.control.next(({ kind }) => kind === 'welcome');
    return runner;
  }

  /** Comes back under the same name, with what it still runs. */
  static async reconnect(
    name: string,
    running: { session_id: string; epoch: number }[],
    hello: Partial<Extract<RunnerFrame, { kind: 'hello' }>> = {},
  ) {
    const runner = new FakeRunner(name, await dial('/control', await runnerToken(name)));
    runner.send({ kind: 'hello', capacity: 100, running, storage: storage(`of ${name}`), ...HELLO, ...hello });
    return { runner, welcome: await runner.control.next(({ kind }) => kind === 'welcome') };
  }

  send(frame: RunnerFrame): void {
    this.control.send(frame);
  }

  async launch(sessionId: string): Promise<Launch> {
    const frame = await this.control.next(({ kind, launch }) => kind === 'launch' && launch.session_id === sessionId);
    return frame.launch;
  }

  /** Launches a session's container and has it say that it is ready. */
  async start(sessionId: string): Promise<FakeContainer> {
    const container = await FakeContainer.connect(await this.launch(sessionId));
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    await container.stored();
    return container;
  }

  async end(
    container: FakeContainer,
    code: 'container_exited' | 'stopped_by_user' | 'out_of_memory' | 'parent_unavailable' = 'container_exited',
  ) {
    const { session_id, epoch } = container.launch;
    this.send({ kind: 'ended', session_id, epoch, reason: { code, detail: `it ended: ${code}` } });
    await this.control.next(({ kind }) => kind === 'ended_ack');
  }

  /** Tells of a snapshot, by default of one that was stored whole after its container was gone. */
  async report(session_id: string, change: Partial<SnapshotReport>): Promise<SnapshotReport> {
    const report: SnapshotReport = {
      snapshot_id: crypto.randomUUID(),
      trigger: 'parked',
      state: 'stored',
      version: 1,
      final: true,
      storage: `of ${this.name}`,
      created_at: new Date().toISOString(),
      files: 3,
      bytes: 300,
      new_bytes: 30,
      owner_bytes: null,
      skipped: [],
      detail: null,
      ...change,
    };
    this.send({ kind: 'snapshot', session_id, report });
    if (report.state !== 'pending') {
      await this.control.next(({ kind, snapshot_id }) => kind === 'snapshot_ack' && snapshot_id === report.snapshot_id);
    }
    return report;
  }

  /** The trees that it is told to drop next. */
  async dropped(): Promise<TreeName[]> {
    return (await this.control.next(({ kind }) => kind === 'drop')).trees;
  }
}

/** The wrapper's end of one session's link. */
export class FakeContainer {
  readonly launch: Launch;
  readonly data: Socket;
  #next = 1;

  private constructor(launch: Launch, data: Socket) {
    this.launch = launch;
    this.data = data;
  }

  static async connect(launch: Launch, taken = 0): Promise<FakeContainer> {
    const data = await dial(`/sessions/${launch.session_id}/data`, launch.token);
    data.send({ kind: 'hello', epoch: launch.epoch, taken });
    return new FakeContainer(launch, data);
  }

  /** Says items with the next numbers; objects without `notice` are lines of Claude Code's. */
  say(...items: (LinkItem | Record<string, unknown>)[]): void {
    this.sayFrom(this.#next, ...items);
    this.#next += items.length;
  }

  sayFrom(first: number, ...items: (LinkItem | Record<string, unknown>)[]): void {
    const lines = items.map((item) => (typeof item === 'string' || 'notice' in item ? item : JSON.stringify(item)));
    this.data.send({ kind: 'items', first, items: lines });
  }

  /** Waits until all that was said has been stored. */
  async stored(): Promise<void> {
    await this.data.next(({ kind, stored }) => kind === 'ack' && stored === this.#next - 1);
  }

  /** The next prompt that it is handed. */
  async prompt(): Promise<{ message_id: string; prompt: string }> {
    const frame = await this.data.next(({ kind, command }) => kind === 'command' && command.command === 'prompt');
    this.data.send({ kind: 'taken', command: frame.number });
    return frame.command;
  }

  /** The next answer that it is handed: to what was asked, or as a tool's result. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
  async answer(): Promise<any> {
    const answers = ['resolve', 'tool_result'];
    const frame = await this.data.next(({ kind, command }) => kind === 'command' && answers.includes(command.command));
    this.data.send({ kind: 'taken', command: frame.number });
    return frame.command;
  }

  async interrupted(): Promise<void> {
    await this.data.next(({ kind, command }) => kind === 'command' && command.command === 'interrupt');
  }

  /** Ends a turn the way Claude Code does. */
  result(messageId: string, result: string, change: Record<string, unknown> = {}): void {
    this.say({
      type: 'result',
      subtype: 'success',
      is_error: false,
      terminal_reason: 'completed',
      result,
      duration_ms: 5,
      usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 7, cache_read_input_tokens: 9 },
      model_usage_since_last_result: { 'claude-opus-5-5': { costUSD: 0.25 } },
      user_message_uuids: [messageId],
      ...change,
    });
  }
}
