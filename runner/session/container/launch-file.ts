import path from 'node:path';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import { STREAMS_SOCKET } from '../../../protocol/link/tunnel/streams.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import { isReservedEnv } from '../../../protocol/settings/agent/agent-env.ts';
import type { ContainerLayout } from '../../backend/backend.ts';
import { containerModelEnv, type ModelUpstream } from '../../model/upstream.ts';
import type { AddressedForward } from '../../egress/policy/forward-hosts.ts';
import { GIT_CONFIG_FILE } from './git-config.ts';
import { caBundleEnv } from '../../secrets/ca-bundle.ts';
import { hasTranscript, type SessionFolders } from '../../lib/session-folders.ts';
import { JAVA_OPTIONS, javaEnv, PROXY_PORT, proxyEnv } from './proxy-env.ts';

export interface LaunchFileInput {
  launch: Launch;
  folders: SessionFolders;
  layout: ContainerLayout;
  upstream: ModelUpstream;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
  /** The container is sealed: the wrapper checks the seal, and tools get the address of the egress proxy. */
  sealed: boolean;
  ownKernel: boolean;
  /** The container has a network card, which is to reach this address alone. Absent or null: it has none. */
  runner?: { readonly host: string; readonly port: number } | null | undefined;
  /** Limits that the wrapper sets itself. Absent: the engine has set them all. */
  limits?: WrapperLaunch['limits'];
  forwards: readonly AddressedForward[];
  /** The secrets that the operator exposes to the container. */
  exposedEnv: Record<string, string>;
  /** The addresses of package registries, and dummies for the tools of forges. */
  packageEnv: Record<string, string>;
  /** Variables that the image of its environment brings: everything else comes before them. Absent: none. */
  imageEnv?: Readonly<Record<string, string>> | undefined;
  /** The operator collects `claude`'s own telemetry. */
  telemetry: boolean;
  /** The repository that is to be brought into the workspace; undefined: none. */
  git: WrapperLaunch['git'] | undefined;
  /** What runs there once it is there. */
  prepare?: WrapperLaunch['prepare'];
}

/** Names of files in the run folder. */
export const CA_FILE = 'ca.pem';
export const TRUST_STORE_FILE = 'ca.p12';
export const PROXY_SOCKET = 'proxy.sock';

/**
 * How long MCP servers may take to connect, milliseconds. The first turn waits for them until five seconds after `claude`
 * has started; without that setting it would wait for the whole timeout. A slower server, for example one that is still
 * being downloaded, joins at a later turn.
 */
const MCP_TIMEOUTS = { CLAUDE_CODE_MCP_STARTUP_WAIT_MS: '5000', MCP_TIMEOUT: '60000' };

/**
 * The runner may pause a call to the model for days, and `claude` must not give it up. By default `claude` gives a call up
 * after six minutes, ten times, and a background subagent after ten minutes. These are milliseconds, the longest that a timer
 * takes. The gateway notices a model that sends nothing.
 */
const MODEL_TIMEOUTS = {
  API_TIMEOUT_MS: '2147483647',
  API_FORCE_IDLE_TIMEOUT: '0',
  CLAUDE_ASYNC_AGENT_STALL_TIMEOUT_MS: '2147483647',
};

/** `claude`'s own telemetry. Where to, the wrapper says. What people and the model say is not in it. */
const TELEMETRY = {
  CLAUDE_CODE_ENABLE_TELEMETRY: '1',
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_INCLUDE_ACCOUNT_UUID: 'false',
};

/** The wrapper's `launch.json`. Whether there is a conversation to resume is read from the disk, not from the launch. */
export async function launchFile(input: LaunchFileInput): Promise<WrapperLaunch> {
  const { launch, folders, layout, upstream, claudeEnv, sealed, ownKernel, forwards, exposedEnv, packageEnv, git } =
    input;
  const modelSocket = path.join(layout.run, 'model.sock');
  const { conversation_id } = launch;
  const resume = await hasTranscript(folders, conversation_id ?? launch.session_id);
  const { fork_of } = launch.files;
  const isFork = !resume && fork_of !== null && (await hasTranscript(folders, fork_of));
  const env = withAsked(launch, exposedEnv, {
    ...input.imageEnv,
    HOME: layout.home,
    TMPDIR: layout.tmp,
    PATH: layout.path,
    LANG: 'C.UTF-8',
    CLAUDE_CONFIG_DIR: layout.claudeConfig,
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // The session learns when nothing more is to come: `system/session_state_changed`.
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    // A tool that waits for a person keeps the turn waiting, however long.
    CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS: '0',
    // Tells the model what it may show with the options of a question, and how.
    CLAUDE_CODE_QUESTION_PREVIEW_FORMAT: 'markdown',
    ...(input.telemetry && TELEMETRY),
    ...MODEL_TIMEOUTS,
    ...MCP_TIMEOUTS,
    GIT_CONFIG_SYSTEM: path.join(layout.run, GIT_CONFIG_FILE),
    ...packageEnv,
    ...exposedEnv,
    ...(sealed && { ...proxyEnv(), ...caBundleEnv(path.join(layout.run, CA_FILE)) }),
    ...claudeEnv,
    ...layout.env,
    ...containerModelEnv(upstream, modelSocket),
  });
  return {
    session_id: launch.session_id,
    epoch: launch.epoch,
    ...(conversation_id !== undefined && { conversation_id }),
    resume,
    ...(isFork && { fork_of }),
    ...(git !== undefined && { git }),
    ...(input.prepare !== undefined && { prepare: input.prepare }),
    claude: layout.claude,
    cwd: layout.workspace,
    link_socket: path.join(layout.run, 'link.sock'),
    streams_socket: path.join(layout.run, STREAMS_SOCKET),
    scratch: layout.tmp,
    ...(layout.offers !== undefined && { offers: layout.offers }),
    seal: sealed,
    ...(input.runner && { network: { runner: input.runner } }),
    ...(ownKernel && { own_kernel: true }),
    ...(input.limits && { limits: input.limits }),
    ...(sealed && {
      egress: { socket: path.join(layout.run, PROXY_SOCKET), proxy_port: PROXY_PORT, forwards: [...forwards] },
    }),
    ...(input.telemetry && { telemetry: { socket: modelSocket } }),
    config: launch.config,
    ...(launch.more_tools && { more_tools: launch.more_tools }),
    env: sealed ? { ...env, ...javaEnv(path.join(layout.run, TRUST_STORE_FILE), env[JAVA_OPTIONS]) } : env,
  };
}

/**
 * The container's environment with the session's own variables. The edge has refused names that are reserved; of the others,
 * those in `own` are only defaults. A secret that the operator exposes, and that the session names, stays what it is.
 */
function withAsked(
  { config }: Launch,
  exposed: Record<string, string>,
  own: Record<string, string>,
): Record<string, string> {
  const asked = Object.entries(config.env ?? {}).filter(
    ([name]) => !isReservedEnv(name) && !Object.hasOwn(exposed, name),
  );
  return { ...own, ...Object.fromEntries(asked) };
}
