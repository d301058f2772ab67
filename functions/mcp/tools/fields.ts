import { z } from 'zod';
import { prompt as apiPrompt } from '../../../protocol/content/prompt.ts';
import { uuid } from '../../../protocol/ids.ts';
import type { sessionConfig } from '../../../protocol/api/session/session-config.ts';
import { WAIT_DEFAULT, WAIT_MAX, WAIT_WITHOUT_PROGRESS } from '../wait.ts';

/** Arguments that several tools take, and their descriptions. */

export const ofSession = { session_id: uuid };
export const SESSION = 'Which session, as create_session and list_sessions name it.';

export const ofMessage = { ...ofSession, message_id: uuid };
export const MESSAGE = 'Which message, as create_session and send_message returned it.';

/**
 * What a message says. The schema that clients are shown is short, because the model pays for each character. What is sent is
 * held to the API's own.
 */
export const prompt = z
  .union([z.string().min(1), z.array(z.looseObject({ type: z.string() }))], {
    error: 'must be text, or an array of blocks',
  })
  .pipe(apiPrompt);
/** After what the message is for. */
export const PROMPT =
  'Text, or an array of blocks as of Claude’s Messages API: text, image, document. A source is base64, or {"file": "path in the workspace"}.';

export const timeout_seconds = z.int().min(0).max(WAIT_MAX).optional();
export const TIMEOUT = `How long this call waits; the message itself goes on. 0: only look. Absent: ${WAIT_DEFAULT}. A client that takes no progress notifications is answered after ${WAIT_WITHOUT_PROGRESS} at the latest.`;

export const return_on_question = z.boolean().default(true);
export const RETURN_ON_QUESTION =
  'Whether the wait ends when the agent asks something (default). false: wait on, because somebody else answers.';

export const cursor = z.string().max(8192).optional();
export const CURSOR = 'The next_cursor of the page before. Absent: from the beginning.';

/** The descriptions of a session's settings. */
export const CONFIG = {
  model: 'opus, sonnet, haiku or a model’s full name. Absent: the default model. A smaller one costs less.',
  system_prompt: 'Added to the agent’s own system prompt.',
  allowed_tools:
    'The tools that it may use, as Claude Code’s rules, such as "Read" or "Bash(git *)". Absent or ["*"]: all of them.',
  permission_mode:
    '"bypass" (default): it asks for no permission. "ask": it asks for whatever allowed_tools do not name. "accept_edits": as "ask", but it edits files unasked. "plan": it plans first and asks before it begins. What it asks comes from wait_for_result and list_interactions.',
  permission_default: 'What becomes of a permission that nobody decides on in time. Absent: "deny".',
  interaction_timeout_seconds: 'How long its questions and permissions stay open.',
  agent_tools:
    'CC-Docker’s own tools that the agent gets, to ask people (ask_user), to begin child sessions and so on. Absent: all that the operator allows; []: none.',
  mcp_servers: 'MCP servers in its container, by name: as in Claude Code’s --mcp-config, or {"preset": "…"}.',
  max_turns: 'Model calls that one message may take. Absent: 100.',
  on_rate_limit:
    'When a subscription’s usage limit ends a turn: "fail" (default), or "wait", where the message waits until the limit is reset.',
  budget_usd: 'What the session with its children may cost, USD; then it pauses. Absent: no limit.',
  secrets: 'Names of the operator’s secrets that it uses. It never sees their values.',
  network:
    'Where it may go: allow takes hosts such as "*.example.org", presets names such as "packages" or "github". Absent: as the operator has set, which may be nowhere.',
  env: 'Environment variables.',
  skills: 'Skills that the service keeps, by name.',
  environment: 'A machine that is set up already, by its name. These settings go over its own.',
} as const satisfies Partial<Record<keyof z.infer<typeof sessionConfig>, string>>;

type Settings = { [Name in keyof typeof CONFIG]: true };

/** The names of these settings, as zod's `pick` takes them. */
export const SETTINGS: Settings = {
  model: true,
  system_prompt: true,
  allowed_tools: true,
  permission_mode: true,
  permission_default: true,
  interaction_timeout_seconds: true,
  agent_tools: true,
  mcp_servers: true,
  max_turns: true,
  on_rate_limit: true,
  budget_usd: true,
  secrets: true,
  network: true,
  env: true,
  skills: true,
  environment: true,
};
