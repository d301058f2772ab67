import type { Problem, ProblemCode } from '../../protocol/api/problem.ts';

/** What an agent can do about a refusal, with the tools that it has. The API's own sentences are for clients that speak HTTP. */
const ADVICE: Partial<Record<ProblemCode, string>> = {
  invalid_request: 'Correct the arguments and call the tool again.',
  body_too_large: 'Send less at once: long texts can be put into a file of the workspace by whoever has it, and named.',
  token_expired: 'No tool can help. Tell your user that the token of this MCP server has to be renewed.',
  token_invalid: 'No tool can help. Tell your user that the token of this MCP server is not valid.',
  session_not_found: 'list_sessions shows the sessions that there are.',
  message_not_found: 'Take the message_id that send_message or create_session returned for this very session.',
  interaction_not_found: 'list_interactions shows what the session asks.',
  interaction_closed:
    'Somebody was first, or nobody is asked any more. list_interactions with its state shows how it ended.',
  not_your_question: 'Do not try again: tell your user whom it waits for.',
  answer_invalid: 'list_interactions shows what is asked and which answers fit.',
  workspace_held: 'Use the session that holds it, wait until that is deleted, or take a workspace of type clone.',
  file_not_found: 'list_files shows the files that there are.',
  not_a_file: 'list_files shows what is in a folder.',
  not_a_directory: 'read_file reads a file.',
  files_unavailable: 'Call the tool again in a while; send_message wakes the session if it does not come back.',
  storage_unavailable: 'Call the tool again in a while.',
  session_limit_reached:
    'Use a session that you have (list_sessions, send_message), or stop one that is done with stop_session.',
  spawn_depth_exceeded: 'Do not try again: do the work in this session, or in one that is higher up in its tree.',
  children_limit_reached: 'Give the work to a child that there is, with send_message.',
  tree_limit_reached: 'Give the work to a session that there is, with send_message.',
  child_too_wide: 'Leave out what its parent may not do itself.',
  budget_reached: 'Do not try again: tell your user that the budget is spent. Only a person can raise it.',
  queue_full: 'Wait for some of its messages with wait_for_result first.',
  snapshot_pending: 'Call the tool again in a while.',
  restart_required: 'Call stop_session, then this tool again; the next send_message wakes the session.',
  unavailable: 'Call the tool again.',
  not_configured: 'No tool can help. Tell your user.',
  internal_error: 'Calling again may help; otherwise tell your user.',
};

/** A refusal of the API, as text for the model. */
export function problemText({ title, detail, code }: Problem): string {
  const said = [`${title} (${code}).`, detail, ADVICE[code]];
  return said.filter((each) => each !== undefined).join(' ');
}
