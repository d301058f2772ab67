import { v7 as uuidV7 } from 'uuid';
import type { Resources } from '../../../../protocol/api/session/session-config.ts';
import type { LaunchEnvironment } from '../../../../protocol/link/environment/environment.ts';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import { CONTAINER_LAYOUT } from '../../../backend/container-spec.ts';
import { engineAway, engineProblem } from '../../../backend/docker-error.ts';
import type { EgressPlan } from '../../container/session-egress.ts';
import { buildFailure, type BuildFailure } from './failure.ts';
import { BuildOutput } from './output.ts';
import { runBuild, type BuildDependencies } from './run-build.ts';
import type { ImageFacts } from '../image-store.ts';

export interface BuildOrder {
  key: string;
  environment: LaunchEnvironment;
  plan: EgressPlan;
  base: ImageFacts;
  /** What the build container is made from. Asked for once it is this build's turn. */
  from: (signal: AbortSignal) => Promise<ImageFacts>;
  resources: Resources;
}

/** Who waits for it. */
export interface Waiter {
  notify: (notices: RunnerNotice[]) => void;
}

export type BuildResult = { ok: true; image: ImageFacts } | { ok: false; reason: Reason };

/** Between two pieces of output that are told, milliseconds. */
const TELL_MS = 500;
/** The end of the output in the notice of a failure, characters. */
const LAST_OUTPUT = 8_000;

/** One build of one image, for all who wait for it. Nobody waits any more: it ends. */
export class Build {
  /** Never rejects; undefined: it was ended because nobody waited. */
  readonly result: Promise<BuildResult | undefined>;
  /** Later builds have later ids: an edge lists them by these. */
  readonly #id = uuidV7();
  readonly #given: BuildDependencies;
  readonly #order: BuildOrder;
  readonly #output = new BuildOutput();
  readonly #waiters = new Set<Waiter>();
  readonly #unwanted = new AbortController();
  #startedAt: Date | undefined;

  /** @param turn runs it once there is room for one more build */
  constructor(given: BuildDependencies, order: BuildOrder, turn: <T>(task: () => Promise<T>) => Promise<T>) {
    this.#given = { ...given, log: given.log.with({ build: this.#id }) };
    this.#order = order;
    this.result = turn(() => this.#run());
  }

  get isWanted(): boolean {
    return !this.#unwanted.signal.aborted;
  }

  /** Tells a waiter all that others know already, and from now on what they learn. */
  join(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (this.#startedAt === undefined) return;
    waiter.notify([
      this.#started(this.#startedAt),
      ...this.#output.soFar().map((text) => ({ host_notice: 'build_output' as const, ...this.#names, ...text })),
    ]);
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) this.end();
  }

  /** Ends it, whoever waits. */
  end(): void {
    this.#unwanted.abort();
  }

  async #run(): Promise<BuildResult | undefined> {
    if (!this.isWanted) return undefined;
    const startedAt = new Date();
    this.#startedAt = startedAt;
    this.#tell([this.#started(startedAt)]);
    const telling = setInterval(() => this.#tellOutput(false), TELL_MS);
    const made = await this.#make().catch((error: unknown) => this.#broken(error));
    clearInterval(telling);
    this.#tellOutput(true);
    if (made === undefined) return undefined;
    const ms = Date.now() - startedAt.getTime();
    this.#given.log.info('environment built', { ms, ok: 'image' in made });
    if ('image' in made) {
      const { image } = made;
      this.#tell([{ host_notice: 'build_ready', ...this.#names, cached: false, ms, bytes: image.size }]);
      return { ok: true, image };
    }
    const { reason, line } = made;
    const output = this.#output.last(LAST_OUTPUT);
    this.#tell([{ host_notice: 'build_failed', ...this.#names, ms, reason, line, output }]);
    return { ok: false, reason };
  }

  async #make(): Promise<{ image: ImageFacts } | BuildFailure> {
    const { store, owner, limits } = this.#given;
    const { key, plan, environment, base, resources } = this.#order;
    const signal = this.#unwanted.signal;
    const from = await this.#order.from(signal);
    const job = { id: this.#id, environment, plan, base, from, resources, limits };
    const onRefused = (host: string, why: string) =>
      this.#output.say(`cc-docker: the network policy refused ${host}: ${why}\n`);
    const sides = { signal, onOutput: (bytes: Buffer) => this.#output.take(bytes), onRefused };
    return await runBuild(this.#given, job, sides, async (ended, container) => {
      const failure = buildFailure({ ...ended, output: this.#output.last(LAST_OUTPUT) }, { ...limits, resources });
      if (failure !== undefined) return failure;
      const env = { ...from.env, ...(ended.report?.report === 'done' ? ended.report.env : {}) };
      const image = await store.commit(container, key, {
        buildId: this.#id,
        user: `${owner.uid}:${owner.gid}`,
        workingDir: CONTAINER_LAYOUT.workspace,
        entrypoint: from.entrypoint,
        env,
      });
      return { image };
    });
  }

  /** What the engine, or the runner itself, could not do; undefined: nobody waits for it. */
  #broken(error: unknown): BuildFailure | undefined {
    if (this.#unwanted.signal.aborted) return undefined;
    const { log } = this.#given;
    const problem = engineProblem(error);
    log.warn('build failed', { problem });
    if (engineAway(error)) return failed('engine_unavailable', `The Docker engine does not answer: ${problem}`);
    if (/no space left on device/i.test(problem))
      return failed('environment_too_large', `The disk of the engine is full: ${problem}`);
    return failed('environment_failed', `The environment could not be built: ${problem}`);
  }

  #tellOutput(isEnd: boolean): void {
    const news = this.#output.news(Date.now(), isEnd);
    this.#tell(news.map((text) => ({ host_notice: 'build_output', ...this.#names, ...text })));
  }

  #tell(notices: RunnerNotice[]): void {
    if (notices.length > 0) for (const { notify } of this.#waiters) notify(notices);
  }

  #started(at: Date): RunnerNotice {
    return { host_notice: 'build_started', ...this.#names, started_at: at.toISOString() };
  }

  get #names() {
    const { name, revision } = this.#order.environment;
    return { build_id: this.#id, environment: name, revision };
  }
}

const failed = (code: Reason['code'], detail: string): BuildFailure => ({
  reason: { code, detail: detail.slice(0, 4_096) },
  line: null,
});
