import type { SessionFiles } from '../../../protocol/api/files/files.ts';
import type { Workspace } from '../../../protocol/api/files/workspace.ts';
import { DEVCONTAINER } from '../../../protocol/api/environment-name.ts';
import type { GitAuthor } from '../../../protocol/git/git-author.ts';
import { SHARED, type LaunchEnvironment } from '../../../protocol/link/environment/environment.ts';
import { toolsOfLaunch } from '../../../protocol/link/more-tools.ts';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import type { Needs } from '../../rpc/pool-rpc.ts';
import { mintSessionToken } from '../../shared/tokens/session-token.ts';
import { quotaBytes } from '../../shared/quota.ts';
import { describeFiles, type Base } from '../core/files.ts';
import { chooseAuthor } from '../core/git-author.ts';
import { agentToolsOf } from '../core/limits.ts';
import { presentConfig } from '../core/settings/live-settings.ts';
import type { Peers } from '../store/peers.ts';
import { traceOfMessage } from '../store/messages/turn-trace.ts';
import type { SessionStore } from '../store/store.ts';

/** All that a runner needs to start the session's container of its present epoch. */
export async function launchOf(store: SessionStore, peers: Peers, base: Base): Promise<Launch> {
  const { identity, state, files, conversation, live } = store.current;
  const { session_id, request } = identity;
  const { epoch } = state;
  const { events_to: _, environment: __, runner, ...config } = presentConfig(identity, live);
  const environment = environmentOf(store, peers);
  const { agent_tools, more_tools } = toolsOfLaunch(agentToolsOf(identity, store.settings));
  return {
    session_id,
    epoch,
    token: await mintSessionToken(store.settings, session_id, epoch),
    resume: epoch > 1,
    ...(conversation.id === null ? {} : { conversation_id: conversation.id }),
    config: {
      ...config,
      agent_tools,
      // The mode that was noted when the container was requested: a later one is sent to `claude` as it runs.
      permission_mode: live.started_mode,
    },
    more_tools,
    workspace: files.cloned ? withoutGit(request.workspace) : request.workspace,
    files: filesFor(store, peers, base, files.version),
    ...(environment && { environment }),
    git_author: authorOf(store),
    ...traceOf(store),
    ...(runner?.labels && { labels: runner.labels }),
    ...(runner?.pool && { pool: runner.pool }),
  };
}

/** What the image of its environment is built from; null: there is nothing to build. */
function environmentOf(
  { environment, current, settings }: SessionStore,
  { storageOwner }: Peers,
): LaunchEnvironment | null {
  const kept = environment.get();
  if (kept === null) return null;
  const { of, build } = kept;
  const { name, revision, shared } = of;
  const isOfRepository = name === DEVCONTAINER;
  if (!isOfRepository && build.image === undefined && build.setup === undefined) return null;
  const { network, secrets = [] } = isOfRepository ? current.identity.request.config : build;
  return {
    ...build,
    name,
    revision,
    owner: shared ? SHARED : storageOwner,
    ...(network && { network }),
    secrets,
    allowed_images: settings.ENVIRONMENT_IMAGES,
  };
}

/** The trace of the message that waits for the container; with the first one, usually none does: that of the session's creation. */
function traceOf(store: SessionStore): Pick<Launch, 'traceparent'> {
  const { identity, state } = store.current;
  const [next] = state.queue;
  const created = state.epoch === 1 ? store.traces?.causeOf(identity.session_id) : undefined;
  const traceparent = next === undefined ? created : traceOfMessage(store, next.message_id);
  return traceparent === undefined ? {} : { traceparent };
}

/** Who the session's commits are by. */
function authorOf({ current: { identity }, settings }: SessionStore): GitAuthor {
  const operator = { name: settings.GIT_AUTHOR_NAME, email: settings.GIT_AUTHOR_EMAIL };
  return chooseAuthor([identity.author, operator], identity.owner);
}

/** The session's files as a runner is told about them. */
export function filesFor(store: SessionStore, peers: Peers, base: Base, version: number): SessionFiles {
  return describeFiles(store.current.files, base, version, peers.storageOwner, quotaBytes(store.settings));
}

/** Which runner a base allows. */
export function needsOf(base: Base): Needs {
  if (base.on === 'runner') return base;
  return { on: 'storage', storage: base.trees.storage, prefer: base.prefer };
}

/** Repositories are cloned once. */
function withoutGit(workspace: Workspace): Workspace {
  if (workspace.type === 'clone') return workspace;
  const {
    git_repo: _repo,
    git_branch: _branch,
    git_depth: _depth,
    git_submodules: _submodules,
    git: _git,
    ...rest
  } = workspace;
  return rest;
}
