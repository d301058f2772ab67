import { DEVCONTAINER } from '../../../protocol/api/environment-name.ts';
import { repositoriesOf } from '../../../protocol/api/files/workspace.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { agentTool, type AgentTool } from '../../../protocol/api/session/session-config.ts';
import type { InteractionLimits } from '../../shared/interactions/interaction.ts';
import type { Limits } from './state.ts';
import type { SessionIdentity } from './identity.ts';

/**
 * How long an idle container is kept while other sessions wait for a place, milliseconds. A program sends its next
 * message within this time.
 */
const CROWDED_IDLE_MS = 2000;

/** Waits before a container that ended while it started is requested again, milliseconds. */
const START_RETRIES_MS = [1000, 5000, 20_000] as const;

/** Longest that a message waits for a usage limit to be reset, milliseconds. The longest limit is one of a week. */
const LONGEST_HOLD_MS = 8 * 86_400_000;

/**
 * How long each phase of a session may take: as it asked for, else the operator's default, and never over the
 * operator's maximum.
 */
export function limitsOf(identity: SessionIdentity, isCloned: boolean, settings: EdgeSettings): Limits {
  const { config, workspace } = identity.request;
  const idle = config.idle_timeout_seconds ?? settings.CONTAINER_IDLE_TIMEOUT;
  const background = config.background_timeout_seconds ?? settings.BACKGROUND_TIMEOUT;
  const lifetime = config.timeout_seconds ?? settings.CONTAINER_TIMEOUT_DEFAULT;
  // The commands of a repository's own environment have as much time as a clone, all together.
  const prepares = config.environment === DEVCONTAINER ? 1 : 0;
  const clones = isCloned ? 0 : repositoriesOf(workspace).length + prepares;
  const startup = settings.CONTAINER_STARTUP_TIMEOUT + clones * settings.CLONE_TIMEOUT;
  return {
    startup: startup * 1000,
    idle: Math.min(idle, settings.CONTAINER_IDLE_TIMEOUT_MAX) * 1000,
    crowded: CROWDED_IDLE_MS,
    background: Math.min(background, settings.BACKGROUND_TIMEOUT_MAX) * 1000,
    attended: settings.TERMINAL_IDLE_TIMEOUT * 1000,
    lifetime: Math.min(lifetime, settings.CONTAINER_TIMEOUT_MAX) * 1000,
    turn: Math.min(settings.TURN_TIMEOUT_DEFAULT, settings.TURN_TIMEOUT_MAX) * 1000,
    interrupt: settings.INTERRUPT_TIMEOUT * 1000,
    retries: START_RETRIES_MS,
    hold: config.on_rate_limit === 'wait' ? LONGEST_HOLD_MS : 0,
  };
}

/**
 * The limits of a session's questions. They stay open for as long as the session asked for, else for the operator's
 * default, and never over the operator's maximum. The owner may always answer.
 */
export function interactionLimitsOf(identity: SessionIdentity, settings: EdgeSettings): InteractionLimits {
  const {
    interaction_timeout_seconds,
    permission_default,
    answerers,
    interaction_reminders: reminders,
  } = identity.request.config;
  const longest = settings.INTERACTION_TIMEOUT_MAX;
  const timeout = Math.min(interaction_timeout_seconds ?? settings.INTERACTION_TIMEOUT, longest);
  const people = [...new Set([identity.owner, ...answerers])];
  return { timeout: timeout * 1000, longest: longest * 1000, permission_default, people, reminders };
}

/**
 * The tools of CC-Docker that the session's agent may call: those that its config names, else all, and of these only what
 * the operator allows now.
 */
export function agentToolsOf(identity: SessionIdentity, settings: EdgeSettings): AgentTool[] {
  const { agent_tools: named = agentTool.options } = identity.request.config;
  return named.filter((tool) => settings.AGENT_TOOLS.includes(tool));
}

/** The refusal of a message's timeout that is over the operator's maximum; null: it is not. @param asked seconds */
export function turnOverMaximum(asked: number | undefined, { TURN_TIMEOUT_MAX }: EdgeSettings): Refusal | null {
  if (asked === undefined || asked <= TURN_TIMEOUT_MAX) return null;
  const path = 'timeout_seconds';
  const message = `must be at most ${TURN_TIMEOUT_MAX}, the operator’s TURN_TIMEOUT_MAX`;
  return { refused: 'invalid_request', detail: `${path}: ${message}`, errors: [{ path, message }] };
}
