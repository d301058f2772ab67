import type { SessionConfig } from '../../../../protocol/api/session/session-config.ts';
import { repositoriesOf, type Workspace } from '../../../../protocol/api/files/workspace.ts';
import { WORKSPACE } from '../../../../protocol/git/repository-path.ts';
import type { WrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { MAX_LISTENING_PORTS } from '../../../../protocol/settings/limits.ts';
import type { SessionState } from '../state.ts';

/** What the edge knows of a session, against which it checks what the container says. */
export interface NoticeFacts {
  readonly workspace: Workspace;
  /** Its repository may name commands that prepare the workspace. */
  readonly hasCommands: boolean;
  readonly mcp_servers: SessionConfig['mcp_servers'];
  readonly container: SessionState['container'];
  /** The ports that something listens on, as the container has said. Only of a notice about a port. */
  readonly listening: readonly number[];
  /** Items of this epoch that are stored. */
  readonly stored: number;
}

/**
 * Why a notice cannot be true of this session; null: it can. The container is not trusted: the agent can speak in its
 * wrapper's place. (Calls of tools are checked where they are handled.)
 */
export function noticeFault(notice: WrapperNotice, facts: NoticeFacts): string | null {
  switch (notice.notice) {
    case 'cloning':
    case 'cloned':
    case 'fetched':
    case 'clone_skipped':
    case 'clone_failed':
      return cloneFault(notice, facts);
    case 'command':
    case 'prepared':
    case 'prepare_failed':
      return commandFault(facts);
    case 'sealed':
    case 'seal_broken':
      return facts.stored === 0 ? null : 'The seal is probed before anything else is said.';
    case 'ready':
    case 'start_failed':
      return facts.container === 'ready' ? 'Claude Code had been ready before.' : null;
    case 'mcp_server':
      return Object.hasOwn(facts.mcp_servers, notice.name) ? null : `The session has no MCP server "${notice.name}".`;
    case 'port':
      return portFault(notice, facts);
    // Named by an id that the session gave, or that is of no use elsewhere; or the agent's own words, shown as such.
    case 'asked':
    case 'withdrawn':
    case 'tool_call':
    case 'tool_cancelled':
    case 'prompt_refused':
    case 'setting_answered':
    case 'spent':
    case 'terminal_ended':
    case 'exited':
    case 'oversized':
    case 'garbled':
      break;
  }
  return null;
}

function cloneFault({ path = WORKSPACE }: { readonly path?: string | undefined }, facts: NoticeFacts): string | null {
  const repositories = repositoriesOf(facts.workspace);
  if (repositories.length === 0) return 'The session has no repository to clone.';
  if (!repositories.some((repository) => repository.path === path))
    return `The session has no repository in "${path}".`;
  return facts.container === 'ready' ? 'A repository is cloned before Claude Code starts.' : null;
}

function commandFault({ hasCommands, container }: NoticeFacts): string | null {
  if (!hasCommands) return 'The session’s environment is not its repository’s.';
  return container === 'ready' ? 'Commands of the repository run before Claude Code starts.' : null;
}

function portFault(
  { port, state }: Extract<WrapperNotice, { notice: 'port' }>,
  { listening }: NoticeFacts,
): string | null {
  const isOpen = listening.includes(port);
  if (state === 'closed') return isOpen ? null : 'Nothing listened on that port.';
  return isOpen || listening.length < MAX_LISTENING_PORTS ? null : `More than ${MAX_LISTENING_PORTS} ports are open.`;
}
