import * as z from 'zod';
import { instant } from './ids.ts';

/** Why a session has its status. The codes are stable; the sentence besides them is for people. */
const reasonCode = z.enum([
  // waiting for a place
  'no_runner',
  'pool_full',
  // waiting for the engine's room, or ended because there was none
  'no_capacity',
  // waiting for the model's usage limit to be reset
  'usage_limit',
  // waiting for budget, or ended because it is spent
  'budget_reached',
  // its parent's files cannot be reached
  'parent_unavailable',
  // ended on purpose
  'stopped_by_user',
  'session_timeout',
  'idle_timeout',
  'background_timeout',
  'made_room',
  'runner_draining',
  // could not start
  'engine_unavailable',
  'image_missing',
  'container_start_failed',
  'startup_timeout',
  'claude_start_failed',
  'seal_broken',
  'secret_missing',
  'preset_missing',
  'workspace_held',
  'files_lost',
  'restore_failed',
  'storage_unavailable',
  'clone_failed',
  // its environment is being built, or could not be
  'environment_building',
  'environment_failed',
  'environment_timeout',
  'environment_too_large',
  'environment_image_missing',
  'environment_image_unfit',
  'environment_unavailable',
  // ended because it uses too much
  'event_flood',
  'quota_exceeded',
  // ended by accident
  'claude_exited',
  'claude_unresponsive',
  'container_exited',
  'out_of_memory',
  'out_of_pids',
  'out_of_disk',
  'out_of_inodes',
  'runner_lost',
]);

/** A reason with a sentence that a user can act on. */
export const reason = z.object({ code: reasonCode, detail: z.string().max(8192) });
export type Reason = z.infer<typeof reason>;

/** Why a message did not complete: what happened to its session or its turn. */
const messageErrorCode = z.enum([
  ...reasonCode.options,
  // the network between the runner and the model
  'model_unreachable',
  // what the model answered
  'model_auth_failed',
  'model_billing',
  'model_not_found',
  'model_rate_limited',
  'model_overloaded',
  'model_error',
  'model_refused',
  // what did not fit the model
  'output_limit',
  'context_window_full',
  'prompt_too_long',
  'image_rejected',
  // how the turn ended
  'max_turns_reached',
  'turn_timeout',
  'interrupted',
  'withdrawn',
  'execution_error',
  'invalid_prompt_file',
]);

/** A message's error, as shown to its sender. */
export const messageError = z.object({
  code: messageErrorCode,
  detail: z.string(),
  /** With `model_rate_limited`: when the usage limit is reset. Absent: the model did not say. */
  retry_at: instant.optional(),
});
export type MessageError = z.infer<typeof messageError>;
