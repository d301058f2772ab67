import type { SessionEvent } from '../../client/main.ts';

/** Claude Code's own types that say nothing to a reader, or that an event of CC-Docker's says as well. */
const TYPES: ReadonlySet<string> = new Set([
  'command_lifecycle',
  'control_request',
  'control_response',
  'control_cancel_request',
  'conversation_reset',
]);

/** The same of `system`, by `subtype`. */
const SUBTYPES: ReadonlySet<unknown> = new Set([
  'init',
  'status',
  'thinking_tokens',
  'background_tasks_changed',
  'session_state_changed',
  'model_refusal_no_fallback',
  'hook_started',
  'hook_progress',
  'hook_response',
]);

/** Whether an event puts nothing into the log that people read. */
export function isSilent({ type, data }: SessionEvent): boolean {
  return TYPES.has(type) || (type === 'system' && 'subtype' in data && SUBTYPES.has(data['subtype']));
}
