import * as z from 'zod';

/** Every problem code of the API, with its HTTP status and title. Codes are stable: clients switch on them. */
export const PROBLEMS = {
  invalid_json: [400, 'The body is not JSON'],
  invalid_request: [422, 'The request does not fit'],
  body_timeout: [408, 'The body did not arrive in time'],
  body_too_large: [413, 'The body is too large'],
  token_missing: [401, 'No token'],
  token_invalid: [401, 'The token is not valid'],
  keys_unavailable: [503, 'The keys that sign the tokens cannot be had'],
  runner_unknown: [401, 'The runner has not enrolled'],
  runner_code_used: [401, 'The code has been used'],
  login_code_used: [401, 'The code has been used'],
  token_expired: [401, 'The token has expired'],
  token_revoked: [401, 'The token has been revoked'],
  scope_missing: [403, 'The token may not do this'],
  token_bound: [403, 'The token is for one session alone'],
  rate_limited: [429, 'Too many requests'],
  too_many_failed_tokens: [429, 'Too many refused tokens'],
  host_unknown: [421, 'Not a name of this service'],
  ticket_invalid: [401, 'The ticket is not valid'],
  tickets_limit_reached: [429, 'Too many tickets'],
  origin_refused: [403, 'Not for pages of other sites'],
  route_not_found: [404, 'No such call'],
  method_not_allowed: [405, 'Not by this method'],
  session_not_found: [404, 'No such session'],
  message_not_found: [404, 'No such message'],
  message_started: [409, 'Its turn has begun'],
  wakeup_not_found: [404, 'No such wake-up'],
  wakeups_limit_reached: [429, 'Enough wake-ups wait'],
  interaction_not_found: [404, 'No such question or permission'],
  interaction_closed: [409, 'It was answered otherwise, or is no longer asked'],
  not_your_question: [403, 'Others are asked'],
  answer_invalid: [422, 'Not an answer to what is asked'],
  snapshot_not_found: [404, 'No such snapshot'],
  workspace_not_found: [404, 'No such workspace'],
  workspace_held: [409, 'Another session holds the workspace'],
  snapshot_pending: [503, 'The snapshot is not stored yet'],
  disk_low: [507, 'The disk is nearly full'],
  quota_exceeded: [507, 'The storage quota is used up'],
  file_not_found: [404, 'No such file'],
  path_invalid: [422, 'Not a path within the workspace'],
  not_a_file: [409, 'Not a file'],
  not_a_directory: [409, 'Not a directory'],
  directory_not_empty: [409, 'The directory is not empty'],
  range_not_satisfiable: [416, 'No such range'],
  archive_invalid: [422, 'Not an archive that can be unpacked'],
  workspace_full: [507, 'The workspace is full'],
  file_busy: [409, 'The file is being written'],
  file_access_denied: [403, 'The permissions of the file do not allow it'],
  files_unavailable: [503, 'The files cannot be reached'],
  storage_unavailable: [503, 'The storage cannot be reached'],
  runner_not_found: [404, 'No such runner'],
  pool_unknown: [422, 'No such pool'],
  pool_forbidden: [403, 'The pool is not for you'],
  runner_in_other_pool: [409, 'The runner is in another pool'],
  runner_outdated: [409, 'The runner is of a version that cannot do this'],
  runner_connected: [409, 'A runner with this name is connected'],
  terminal_off: [403, 'Terminals are turned off'],
  terminal_not_found: [404, 'No such terminal'],
  terminal_limit_reached: [429, 'Too many terminals'],
  terminal_unavailable: [503, 'No terminal can be had'],
  upgrade_required: [426, 'This call is a WebSocket'],
  restart_required: [409, 'Not while it runs'],
  viewer_limit_reached: [429, 'Too many open streams'],
  session_rate_reached: [429, 'Too many new sessions'],
  session_limit_reached: [429, 'Too many sessions'],
  spawn_depth_exceeded: [429, 'The tree of sessions is deep enough'],
  children_limit_reached: [429, 'The session has enough children'],
  tree_limit_reached: [429, 'The tree has enough sessions'],
  child_too_wide: [422, 'A child may not do more than its parent'],
  budget_reached: [402, 'The budget is spent'],
  redis_not_configured: [422, 'Redis is not configured'],
  redis_unavailable: [503, 'Redis cannot be reached'],
  discord_not_configured: [503, 'Discord is not configured'],
  signature_invalid: [401, 'Not signed by Discord'],
  port_not_shared: [404, 'The port is not shared'],
  ports_limit_reached: [429, 'Enough ports are shared'],
  port_busy: [503, 'Enough requests to the ports run'],
  previews_not_configured: [503, 'Ports cannot be shared here'],
  artifact_not_found: [404, 'No such artifact'],
  artifact_too_large: [413, 'The file is too large for an artifact'],
  link_invalid: [404, 'The link leads nowhere'],
  environment_not_found: [404, 'No such environment'],
  environments_limit_reached: [429, 'Too many environments'],
  environment_shared: [409, 'The environment is the operator’s'],
  build_not_found: [404, 'No such build'],
  image_forbidden: [403, 'The image is not for you'],
  webhook_not_found: [404, 'No such webhook'],
  webhooks_limit_reached: [429, 'Too many webhooks'],
  push_subscription_not_found: [404, 'No such device'],
  push_limit_reached: [429, 'Too many devices'],
  delivery_not_found: [404, 'No such delivery'],
  queue_full: [429, 'Too many messages are waiting'],
  idempotency_key_reused: [422, 'This Idempotency-Key was used for another request'],
  not_configured: [503, 'The service is not configured'],
  not_ready: [503, 'No session could start'],
  unavailable: [503, 'Unavailable at the moment'],
  state_too_new: [500, 'A newer version of CC-Docker stored this'],
  internal_error: [500, 'A fault in CC-Docker'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * The answer about a session that is not there, and about one of another owner. It is the same for both, whoever gives it: a
 * caller must not be able to tell them apart.
 */
export const SESSION_NOT_FOUND: Refusal = {
  refused: 'session_not_found',
  detail: 'There is no session with this id, or it is not yours. `GET /api/v1/sessions` lists yours.',
};

export const TERMINAL_OFF: Refusal = {
  refused: 'terminal_off',
  detail: 'This service opens no terminals. Its operator turns them on with TERMINAL=1.',
};

/** RFC 9457 problem+json, with a stable `code`. `errors` says which fields of the request do not fit. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  detail: z.string(),
  /** The call's `x-request-id`. Logs have it too. */
  request_id: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem>;

/** An expected failure of a call, as a value. */
export interface Refusal {
  readonly refused: ProblemCode;
  readonly detail: string;
  readonly errors?: Problem['errors'];
  /** When the call may succeed, seconds from now. The answer has it as `Retry-After`. Absent: nobody knows. */
  readonly retry_after_seconds?: number;
}
