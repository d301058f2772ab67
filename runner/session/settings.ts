import os from 'node:os';
import path from 'node:path';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import * as z from 'zod';
import { boundsSettings } from '../../protocol/settings/bounds-settings.ts';
import { traceSettings } from '../../protocol/settings/trace-settings.ts';
import { TokenType } from '../../protocol/token.ts';
import { backendName, type BackendName } from '../../protocol/link/runner-control.ts';
import { egressEnvironment, egressSettings, unknownPresets } from '../egress/policy/egress-settings.ts';
import { ecsEnvironment, ecsProblems, ecsSettings } from './ecs-settings.ts';
import { LOG_LEVELS } from '../lib/log.ts';
import { upstreamProxies, type UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';
import { storageEnvironment, storageProblems, storageSettings } from '../storage/storage-settings.ts';

const repository = path.resolve(import.meta.dirname, '../..');

function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,12}$/, error)
    .transform(Number)
    .pipe(z.int({ error }).min(min, error).max(max, error));
}

const labels = z.string().transform((text, context) => {
  const pairs: [string, string][] = [];
  for (const part of text.split(',')) {
    const [, key, value] = /^\s*([A-Za-z0-9._/-]{1,64})=([A-Za-z0-9._/-]{0,64})\s*$/.exec(part) ?? [];
    if (key === undefined || value === undefined) {
      context.addIssue({
        code: 'custom',
        message: 'must be key=value pairs with commas between, such as gpu=no,zone=a',
      });
      return z.NEVER;
    }
    pairs.push([key, value]);
  }
  return Object.fromEntries(pairs);
});

/**
 * An idle session takes about 200 MB and 1% of a core, a working one seldom more than 768 MB. So the default is as many as
 * fit into three quarters of the memory, but at most four per core.
 */
export function defaultCapacity(cpus: number, memoryBytes: number): number {
  return Math.max(1, Math.min(4 * cpus, Math.floor((memoryBytes * 0.75) / (768 * 1024 * 1024))));
}

/** A container that waits takes 250 MB: so there is one where that is little. */
export function defaultWarm(freeBytes: number): number {
  return freeBytes >= 4 * 1024 ** 3 ? 1 : 0;
}

/** Cores that sessions may be promised for each core of the machine: one works a quarter of its time, and waits for the model otherwise. */
const CPUS_PER_CORE = 4;

const cores = z
  .string()
  .regex(/^\d{1,5}(\.\d{1,2})?$/, 'must be a number of cores such as 16 or 0.5; 0: they are not counted')
  .transform(Number);

const EARLIER_TOKEN =
  'is a token of an earlier version. A runner now enrols once, with a code: make one with `npm run --silent token -- --kind runner --sub NAME`';

/** Earlier versions gave runners a token for a year, by this type. */
function isOfEarlierVersion(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === TokenType.runner;
  } catch (error) {
    // No token at all: the edge says so.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** What sessions may ask for together. ECS has more than this machine: there, only what is set counts. */
function machineOf(env: {
  RUNNER_BACKEND: BackendName;
  RUNNER_CPUS?: number | undefined;
  RUNNER_MEMORY_MB?: number | undefined;
}) {
  const own =
    env.RUNNER_BACKEND === 'ecs'
      ? { cpus: 0, memory_mb: 0 }
      : {
          cpus: CPUS_PER_CORE * os.availableParallelism(),
          memory_mb: Math.floor((os.totalmem() * 0.75) / (1024 * 1024)),
        };
  return { cpus: env.RUNNER_CPUS ?? own.cpus, memory_mb: env.RUNNER_MEMORY_MB ?? own.memory_mb };
}

const folder = z.string().transform((text) => path.resolve(text));

const environment = z
  .object({
    EDGE_URL: z
      .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
      .default('http://127.0.0.1:8000'),
    /** A one-time code: see `runner/identity/`. */
    RUNNER_TOKEN: z
      .string()
      .refine((token) => !isOfEarlierVersion(token), { error: EARLIER_TOKEN })
      .optional(),
    RUNNER_BACKEND: backendName.default('docker'),
    RUNNER_CAPACITY: wholeNumber(0, 10_000).default(() => defaultCapacity(os.availableParallelism(), os.totalmem())),
    RUNNER_MEMORY_MB: wholeNumber(0, 100_000_000).optional(),
    RUNNER_CPUS: cores.optional(),
    RUNNER_LABELS: labels.default({}),
    WARM_SESSIONS: wholeNumber(0, 64).default(() => defaultWarm(os.freemem())),
    CC_DOCKER_DATA: folder.default(path.resolve('.cc-docker')),
    SESSION_IMAGE: z.string().optional(),
    SESSION_MEMORY_MB: wholeNumber(256, 1_048_576).default(2048),
    SESSION_CPUS: z
      .string()
      .regex(/^\d{1,4}(\.\d{1,2})?$/, 'must be a number of cores such as 2 or 0.5')
      .transform(Number)
      .refine((cpus) => cpus >= 0.1, 'must be at least 0.1')
      .default(2),
    SESSION_PIDS: wholeNumber(64, 65_536).default(1024),
    SESSION_WORKSPACE_MB: wholeNumber(16, 1_048_576).default(10_240),
    SESSION_WORKSPACE_FILES: wholeNumber(1_000, 100_000_000).default(1_000_000),
    ENVIRONMENT_BUILD_TIMEOUT: wholeNumber(1, 86_400).default(1_800),
    ENVIRONMENT_IMAGE_MB: wholeNumber(16, 1_048_576).default(10_240),
    ENVIRONMENT_KEEP_DAYS: wholeNumber(0, 36_500).default(7),
    ENVIRONMENT_STORE_MB: wholeNumber(0, 100_000_000).default(51_200),
    DRAIN_TIMEOUT: wholeNumber(0, 86_400).default(600),
    DISK_FLOOR_MB: boundsSettings.shape.DISK_FLOOR_MB,
    DOCKER_RUNTIME: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be the name of a runtime of the engine, such as runsc')
      .optional(),
    ...ecsEnvironment,
    ...egressEnvironment,
    ...storageEnvironment,
    ...traceSettings.shape,
    SNAPSHOT_EVERY_MINUTES: wholeNumber(0, 10_080).default(10),
    STORAGE_SWEEP_HOURS: wholeNumber(0, 8_760).default(6),
    LOCAL_COPY_DAYS: wholeNumber(0, 36_500).default(7),
    CC_EGRESS_CA: folder.optional(),
    WRAPPER_BUNDLE: folder.default(path.join(repository, 'build', 'wrapper.mjs')),
    CLAUDE_PATH: folder.optional(),
    CLAUDE_CODE_MAX_RETRIES: wholeNumber(0, 100).optional(),
    LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
    PATH: z.string().default('/usr/local/bin:/usr/bin:/bin'),
  })
  .superRefine((env, context) => {
    if (env.RUNNER_BACKEND === 'docker' && env.SESSION_IMAGE === undefined) {
      const message = 'is not set: the docker backend needs the image that `npm run image` builds';
      context.addIssue({ code: 'custom', path: ['SESSION_IMAGE'], message });
    }
    for (const { variable, message } of [...unknownPresets(env), ...storageProblems(env), ...ecsProblems(env)])
      context.addIssue({ code: 'custom', path: [variable], message });
  })
  .transform((env) => ({
    edgeUrl: env.EDGE_URL.replace(/\/+$/, ''),
    /** The code with which the runner enrols; absent: it has done so. */
    runnerCode: env.RUNNER_TOKEN,
    backend: env.RUNNER_BACKEND,
    /** Containers at once. */
    capacity: env.RUNNER_CAPACITY,
    /** What sessions may ask for together; 0: that is not counted. */
    machine: machineOf(env),
    labels: env.RUNNER_LABELS,
    /** How many containers wait for a session at most; 0: none. */
    warmSessions: env.WARM_SESSIONS,
    /** Absolute path of the runner's own folder. */
    dataFolder: path.join(env.CC_DOCKER_DATA, 'runner'),
    image: env.SESSION_IMAGE ?? '',
    /** The engine's runtime for containers; absent: its default. */
    runtime: env.DOCKER_RUNTIME,
    /** Of a runner whose sessions are tasks of ECS; null: of another one. */
    ecs: ecsSettings(env),
    /** A container's limits: the most that a session may ask for, and the defaults. */
    limits: {
      memoryMb: env.SESSION_MEMORY_MB,
      cpus: env.SESSION_CPUS,
      pids: env.SESSION_PIDS,
      workspaceMb: env.SESSION_WORKSPACE_MB,
      workspaceFiles: env.SESSION_WORKSPACE_FILES,
    },
    environments: {
      /** Longest build, seconds. */
      buildSeconds: env.ENVIRONMENT_BUILD_TIMEOUT,
      /** The most that a build may write, MB. */
      imageMb: env.ENVIRONMENT_IMAGE_MB,
      /** How long an image is kept that no session starts from, days; 0: always. */
      keepDays: env.ENVIRONMENT_KEEP_DAYS,
      /** What all images together may take, MB; 0: any. */
      storeMb: env.ENVIRONMENT_STORE_MB,
    },
    /** How long running turns may go on when the runner drains, seconds. */
    drainSeconds: env.DRAIN_TIMEOUT,
    /** Below this much free space, MB, the runner takes no session; 0: it always does. */
    diskFloorMb: env.DISK_FLOOR_MB,
    /** Where containers may connect. */
    egress: egressSettings(env),
    /** Where snapshots are kept. */
    storage: storageSettings(env),
    files: {
      /** Between two snapshots of a working session, minutes; 0: no such snapshots. */
      snapshotEveryMinutes: env.SNAPSHOT_EVERY_MINUTES,
      /** Between two sweeps of the storage, hours; 0: no sweeps. */
      sweepHours: env.STORAGE_SWEEP_HOURS,
      /** How long this runner keeps the files of a parked session that the storage has too, days; 0: always. */
      localCopyDays: env.LOCAL_COPY_DAYS,
    },
    /** Where traces go. */
    traces: {
      OTEL_EXPORTER_OTLP_ENDPOINT: env.OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: env.OTEL_EXPORTER_OTLP_HEADERS,
      OTEL_TRACES_SAMPLER_ARG: env.OTEL_TRACES_SAMPLER_ARG,
    },
    /** A file of certificate authorities that are trusted in addition to the system's. */
    egressCa: env.CC_EGRESS_CA,
    wrapperBundle: env.WRAPPER_BUNDLE,
    /** For the process backend; absent: the binary of the installed package. */
    claudePath: env.CLAUDE_PATH,
    /** The operator's own settings for Claude Code. */
    claudeEnv:
      env.CLAUDE_CODE_MAX_RETRIES === undefined ? {} : { CLAUDE_CODE_MAX_RETRIES: String(env.CLAUDE_CODE_MAX_RETRIES) },
    logLevel: env.LOG_LEVEL,
    path: env.PATH,
  }));

export type Settings = z.infer<typeof environment> & {
  /** The proxies that the runner itself has to use. */
  proxies: UpstreamProxies;
};

/** The runner's settings, or one line that names the variable at fault. An empty variable counts as not set. */
export function parseSettings(
  env: Record<string, string | undefined>,
): { ok: true; settings: Settings } | { ok: false; problem: string } {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(set);
  const upstream = upstreamProxies(set);
  if (!upstream.ok) return upstream;
  const { proxies } = upstream;
  if (parsed.success) {
    const { storage } = parsed.data;
    return {
      ok: true,
      settings: { ...parsed.data, proxies, storage: storage.kind === 's3' ? { ...storage, proxies } : storage },
    };
  }
  const problem = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ');
  return { ok: false, problem };
}
