import path from 'node:path';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper-launch.ts';
import type { ContainerLayout } from '../../backend/backend.ts';
import { containerModelEnv, MODEL_HOST, type ModelUpstream } from '../../model/upstream.ts';
import type { AddressedForward } from '../../egress/policy/forward-hosts.ts';
import { caBundleEnv } from '../../secrets/ca-bundle.ts';
import { hasTranscript, type SessionFolders } from '../../lib/session-folders.ts';

export interface LaunchFileInput {
  launch: Launch;
  folders: SessionFolders;
  layout: ContainerLayout;
  upstream: ModelUpstream;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
  /** A sealed container: it is probed, and its tools are told of the way out. */
  sealed: boolean;
  ownKernel: boolean;
  forwards: readonly AddressedForward[];
  /** The operator's secrets that are to be inside, and where packages come from. */
  exposedEnv: Record<string, string>;
  /** The workspace is empty and a repository is wanted in it. */
  clone: boolean;
}

/** In the run folder. */
export const CA_FILE = 'ca.pem';
export const PROXY_SOCKET = 'proxy.sock';
/** Where tools inside find the proxy; nothing else listens there before they do. */
const PROXY_PORT = 3128;

/**
 * How long MCP servers may take to connect, milliseconds. The first turn waits five seconds from `claude`'s start for those that have not; without that setting it
 * would wait as long as they may take. A server that is slower, as one that is still being downloaded, joins at a later turn.
 */
const MCP_PATIENCE = { CLAUDE_CODE_MCP_STARTUP_WAIT_MS: '5000', MCP_TIMEOUT: '60000' };

/**
 * A call to the model may be held back for days, and `claude` is not to give it up: by default it does so after six minutes, ten
 * times, and gives up a subagent in the background after ten. Milliseconds; more does not fit into a timer. A model that
 * falls silent is noticed by the gateway.
 */
const MODEL_PATIENCE = {
  API_TIMEOUT_MS: '2147483647',
  API_FORCE_IDLE_TIMEOUT: '0',
  CLAUDE_ASYNC_AGENT_STALL_TIMEOUT_MS: '2147483647',
};

/** What the wrapper is told. Whether there is something to resume, the disk knows better than the launch. */
export async function launchFile(input: LaunchFileInput): Promise<WrapperLaunch> {
  const { launch, folders, layout, upstream, claudeEnv, sealed, ownKernel, forwards, exposedEnv, clone } = input;
  const resume = await hasTranscript(folders, launch.session_id);
  const { fork_of } = launch.files;
  const forks = !resume && fork_of !== null && (await hasTranscript(folders, fork_of));
  return {
    session_id: launch.session_id,
    epoch: launch.epoch,
    resume,
    ...(forks && { fork_of }),
    ...(clone && gitOf(launch)),
    claude: layout.claude,
    cwd: layout.workspace,
    link_socket: path.join(layout.run, 'link.sock'),
    scratch: layout.tmp,
    ...(layout.offers !== undefined && { offers: layout.offers }),
    seal: sealed,
    ...(ownKernel && { own_kernel: true }),
    ...(sealed && {
      egress: { socket: path.join(layout.run, PROXY_SOCKET), proxy_port: PROXY_PORT, forwards: [...forwards] },
    }),
    config: launch.config,
    env: {
      HOME: layout.home,
      TMPDIR: layout.tmp,
      PATH: layout.path,
      LANG: 'C.UTF-8',
      CLAUDE_CONFIG_DIR: layout.claudeConfig,
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      // A tool that waits for a person holds the turn, however long.
      CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS: '0',
      ...MODEL_PATIENCE,
      ...MCP_PATIENCE,
      ...exposedEnv,
      ...(sealed && { ...proxyEnv(), ...caBundleEnv(path.join(layout.run, CA_FILE)) }),
      ...claudeEnv,
      ...layout.env,
      ...containerModelEnv(upstream, path.join(layout.run, 'model.sock')),
    },
  };
}

function gitOf({ workspace }: Launch): Pick<WrapperLaunch, 'git'> {
  if (workspace.type === 'clone' || workspace.git_repo === undefined) return {};
  const { git_repo: repo, git_branch: branch } = workspace;
  return { git: { repo, ...(branch !== undefined && { branch }) } };
}

/** Some tools read the one spelling, some the other; curl reads `http_proxy` in lower case alone. */
function proxyEnv(): Record<string, string> {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  // The model's name means the gateway's socket.
  const direct = `localhost,127.0.0.1,::1,${MODEL_HOST}`;
  return {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    // Node's own fetch and http know of it from version 24 on, when told.
    NODE_USE_ENV_PROXY: '1',
  };
}
