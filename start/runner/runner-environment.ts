import type { BackendName } from '../../protocol/link/runner-control.ts';
import { parseSettings } from '../../runner/session/settings.ts';
import type { Refused } from '../lib/refused.ts';
import type { Environment } from '../settings/settings.ts';

/**
 * The variables of the service that its runner gets: for the engine, for containers, and for the model. Not the secret that
 * signs tokens.
 */
const PASSED = [
  /^DOCKER_/,
  /^SSH_AUTH_SOCK$/,
  /^ANTHROPIC_/,
  /^CLAUDE_/,
  /^(RUNNER|SESSION|EGRESS|CC_SECRET)_/,
  /^WARM_SESSIONS$/,
  /^(S3|MINIO|STORAGE|SNAPSHOT)_/,
  /^LOCAL_COPY_DAYS$/,
  /^CC_EGRESS_CA$/,
  // The preset `packages` allows the registries that these name.
  /^(npm_config_registry|pip_(extra_)?index_url|goproxy)$/i,
  /^ENVIRONMENT_(BUILD_TIMEOUT|IMAGE_MB|KEEP_DAYS|STORE_MB)$/,
  /^DISK_FLOOR_MB$/,
  /^LOG_LEVEL$/,
  // Traces, by OpenTelemetry's own names.
  /^OTEL_(EXPORTER_OTLP_|TRACES_)/,
  /^(https?|no|all)_proxy$/i,
];

export interface RunnerGrant {
  edgeUrl: string;
  token: string;
  backend: BackendName;
  /** Absolute. */
  dataFolder: string;
  wrapperBundle: string;
  /** For the docker backend. */
  image: string | undefined;
}

/** The runner's environment, besides what every part gets. */
export function runnerEnvironment(env: Environment, grant: RunnerGrant): Environment {
  const passed = Object.entries(env).filter(([name]) => PASSED.some((pattern) => pattern.test(name)));
  return {
    ...Object.fromEntries(passed),
    // A person's Ctrl-C is quick. Who wants turns to end first says for how long.
    DRAIN_TIMEOUT: env['DRAIN_TIMEOUT'] || '0',
    EDGE_URL: grant.edgeUrl,
    RUNNER_TOKEN: grant.token,
    RUNNER_BACKEND: grant.backend,
    CC_DOCKER_DATA: grant.dataFolder,
    WRAPPER_BUNDLE: grant.wrapperBundle,
    SESSION_IMAGE: grant.image,
  };
}

/** How long that runner lets turns go on when it is told to end, seconds. */
export const drainSeconds = ({ DRAIN_TIMEOUT }: Environment): number => Number(DRAIN_TIMEOUT || 0);

/** Checks the operator's part of it with the runner's own parser, before anything is started. */
export function checkRunnerEnvironment(env: Environment): Refused | undefined {
  const parsed = parseSettings({ ...env, EDGE_URL: undefined, RUNNER_TOKEN: 'later', SESSION_IMAGE: 'later' });
  return parsed.ok ? undefined : { refused: parsed.problem };
}
