import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { MAX_LINE_BYTES } from '../../protocol/settings/limits.ts';
import type { LinkItem, WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { HEAD_BYTES, type SplitLine } from '../lib/line-splitter.ts';
import { once } from '../lib/once.ts';
import { type AgentTask, agentsOf } from './agents.ts';
import { withoutData } from './replay.ts';
import { type ServerStatus, statusAnswer } from '../mcp/mcp-status.ts';
import { type PermissionRequest, permissionRequest } from './permissions.ts';
import { type SpendingSign, spendingSign, usageAnswer } from './spending.ts';

/** One line of Claude Code's standard output, by what the wrapper does with it. "Sent" means: sent to the session. */
export type OutputLine =
  /** Sent as it is, or as a notice in its place. */
  | { kind: 'item'; item: LinkItem; spending?: SpendingSign; agents?: AgentTask[] }
  /** What the agent or a tool says. Sent as it is, and in a rush together with others. */
  | { kind: 'said'; line: string; spending?: SpendingSign; agents?: AgentTask[] }
  /** A partial message: sent as a preview, not stored. */
  | { kind: 'preview'; line: string; spending?: SpendingSign }
  /** The agent begins a step, and a line that says more follows. Sent as it is, but it may wait for that line. */
  | { kind: 'step'; line: string }
  /** The state of a message that `claude` was given. Sent as it is. */
  | { kind: 'lifecycle'; line: string; messageId: string; state: string }
  /** A request for permission to use a tool. Not sent as it is. */
  | { kind: 'permission'; request: PermissionRequest }
  /** A message to an MCP server that the wrapper serves. Not sent. */
  | { kind: 'mcp'; requestId: string; server: string; message: unknown }
  /** A request that the wrapper does not know. Sent as it is. */
  | { kind: 'request'; line: string; requestId: string }
  /** `claude` withdraws a request. Sent as it is, unless it was a request for a permission. */
  | { kind: 'cancel'; line: string; requestId: string }
  /** Claude Code repeats the wrapper's answer to a request. Not sent. */
  | { kind: 'echo' }
  /**
   * The answer to the wrapper's `mcp_status`: the state of each MCP server. Not sent: it holds the servers' headers.
   */
  | { kind: 'servers'; servers: ServerStatus[] }
  /** The answer to the wrapper's `get_usage`: the conversation's cost, USD; null: not known. Not sent. */
  | { kind: 'usage'; totalUsd: number | null }
  /** The answer to the wrapper's `set_model` or `set_permission_mode`. `refused`: why not; null: it is set. Sent as a notice. */
  | { kind: 'setting'; setting: Setting; refused: string | null }
  /** The answer to the wrapper's `claim_session`, or to the `set_model` after it. `refused`: why not; null: done. Not sent. */
  | { kind: 'claimed'; request: string; refused: string | null }
  /** The answer to the wrapper's `initialize`. Not sent. */
  | { kind: 'initialised'; version: string }
  | { kind: 'refused'; detail: string };

/** The prefix of the ids of the wrapper's own requests. */
export const OWN_REQUESTS = 'cc-docker-';
/** The id of the wrapper's own `mcp_status`. */
export const STATUS_REQUEST = `${OWN_REQUESTS}mcp-status`;
/** The id of the wrapper's own `get_usage`. */
export const USAGE_REQUEST = `${OWN_REQUESTS}usage`;

/** The id of the wrapper's own `claim_session`. */
export const CLAIM_REQUEST = `${OWN_REQUESTS}claim`;
/** The id of the wrapper's own `set_model` after it. */
export const MODEL_REQUEST = `${OWN_REQUESTS}claim-model`;

/** A setting that `claude` takes as it runs. */
export type Setting = Extract<WrapperNotice, { notice: 'setting_answered' }>['setting'];
/** The beginnings of the ids of the wrapper's own `set_model` and `set_permission_mode`; a number follows. */
export const SETTING_REQUESTS = {
  model: `${OWN_REQUESTS}set-model-`,
  permission_mode: `${OWN_REQUESTS}set-permission-mode-`,
} as const satisfies Record<Setting, string>;

/** Of a partial message that is usual, characters. */
const MAX_PREVIEW = 64 * 1024;
const NOTICE_CHARACTERS = 8192;
const VERSION_CHARACTERS = 128;

// None of these is needed before `claude` asks for something.
const request = once(() => z.object({ request_id: z.string() }));
const mcpMessage = once(() =>
  z.object({
    request_id: z.string(),
    request: z.object({ subtype: z.literal('mcp_message'), server_name: z.string(), message: z.unknown() }),
  }),
);
const responded = once(() =>
  z.object({ response: z.object({ request_id: z.string(), error: z.string().optional().catch(undefined) }) }),
);

/** So Claude Code begins each partial message. */
const PREVIEW = '{"type":"stream_event","event":{';
/** What one of them has that says more than what to show. */
const CALL_ENDED = 'message_stop';

/**
 * Most lines are partial messages, and nothing of one is read here but where it ends: the session looks whether it is JSON before it shows
 * it. Those that are unusual are read like any other line.
 */
const isPlainPreview = (line: string): boolean =>
  line.startsWith(PREVIEW) && line.endsWith('}') && line.length <= MAX_PREVIEW && !line.includes(CALL_ENDED);

/** Classifies a line. @param initialiseId the `request_id` of the wrapper's own `initialize` */
export function readOutputLine(split: SplitLine, initialiseId: string): OutputLine {
  if (split.kind === 'oversized') return oversized(split.size, split.head);
  const line = split.bytes.toString('utf8');
  if (isPlainPreview(line)) return { kind: 'preview', line };
  const value = isUtf8(split.bytes) ? parseObject(line) : null;
  const shortened = value?.type === 'user' ? withoutData(value) : null;
  if (shortened !== null) return { kind: 'item', item: shortened };
  if (split.bytes.length > MAX_LINE_BYTES) return oversized(split.bytes.length, split.bytes.subarray(0, HEAD_BYTES));
  if (value === null) {
    return { kind: 'item', item: { notice: 'garbled', line: line.slice(0, NOTICE_CHARACTERS).toWellFormed() } };
  }
  const sign = spendingSign(value);
  const spending = sign !== null && { spending: sign };
  if (value.type === 'stream_event') return { kind: 'preview', line, ...spending };
  if (value.type === 'command_lifecycle') {
    const { command_uuid: messageId, state } = value;
    if (typeof messageId === 'string' && typeof state === 'string')
      return { kind: 'lifecycle', line, messageId, state };
  }
  if (value.type === 'control_request') {
    const permission = permissionRequest().safeParse(value);
    if (permission.success) return { kind: 'permission', request: permission.data };
    const mcp = mcpMessage().safeParse(value);
    if (mcp.success) {
      const { server_name: server, message } = mcp.data.request;
      return { kind: 'mcp', requestId: mcp.data.request_id, server, message };
    }
    const unknown = request().safeParse(value);
    if (unknown.success) return { kind: 'request', line, requestId: unknown.data.request_id };
  }
  if (value.type === 'control_cancel_request') {
    const cancelled = request().safeParse(value);
    if (cancelled.success) return { kind: 'cancel', line, requestId: cancelled.data.request_id };
  }
  if (value.type === 'control_response') {
    const { response } = value;
    const initialised = isObject(response) && response.request_id === initialiseId ? initialisedBy(response) : null;
    if (initialised !== null) return initialised;
    const echo = responded().safeParse(value);
    const echoed = echo.data?.response.request_id;
    if (echo.success && (echoed === CLAIM_REQUEST || echoed === MODEL_REQUEST)) {
      return { kind: 'claimed', request: echoed, refused: echo.data.response.error ?? null };
    }
    if (echo.data?.response.request_id === STATUS_REQUEST) {
      return { kind: 'servers', servers: statusAnswer().safeParse(value).data?.response.response.mcpServers ?? [] };
    }
    if (echo.data?.response.request_id === USAGE_REQUEST) {
      const usage = usageAnswer().safeParse(value);
      return { kind: 'usage', totalUsd: usage.data?.response.response.session.total_cost_usd ?? null };
    }
    const setting = echo.success ? settingOf(echo.data.response.request_id) : null;
    if (echo.success && setting !== null) {
      return { kind: 'setting', setting, refused: echo.data.response.error ?? null };
    }
    if (echo.success && !echo.data.response.request_id.startsWith(OWN_REQUESTS)) return { kind: 'echo' };
  }
  if (isStep(value)) return { kind: 'step', line };
  const agents = agentsOf(value);
  const more = { ...spending, ...(agents.length > 0 && { agents }) };
  // Callers wait for a `result` or a state. Nobody waits for these.
  const isSaid = value.type === 'assistant' || value.type === 'user';
  return isSaid ? { kind: 'said', line, ...more } : { kind: 'item', item: line, ...more };
}

/** The answer to `initialize`. Null: it is of no form that is known. */
function initialisedBy({ subtype, response, error }: Record<string, unknown>): OutputLine | null {
  if (subtype === 'error') return typeof error === 'string' ? { kind: 'refused', detail: error } : null;
  if (subtype !== 'success' || !isObject(response)) return null;
  const { claude_code_version: version } = response;
  const isVersion = typeof version === 'string' && version.length <= VERSION_CHARACTERS;
  return { kind: 'initialised', version: isVersion ? version : 'unknown' };
}

/** `init`: a turn begins; `status`: the model is called; `running`: opposed to `idle`, on which callers wait. */
function isStep({ type, subtype, state }: Record<string, unknown>): boolean {
  if (type !== 'system') return false;
  return subtype === 'init' || subtype === 'status' || (subtype === 'session_state_changed' && state === 'running');
}

function settingOf(requestId: string): Setting | null {
  if (requestId.startsWith(SETTING_REQUESTS.model)) return 'model';
  return requestId.startsWith(SETTING_REQUESTS.permission_mode) ? 'permission_mode' : null;
}

function parseObject(line: string): Record<string, unknown> | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  return isObject(value) ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A line that is not sent, because of its length. */
function oversized(bytes: number, head: Buffer): OutputLine {
  const text = decodeHead(head);
  // An answer to the wrapper itself may hold the headers of MCP servers: not even its head is sent.
  const own = text.startsWith('{"type":"control_response"');
  return { kind: 'item', item: { notice: 'oversized', bytes, head: own ? '' : text } };
}

/** The text of a line's first bytes, without a character that is cut off at the end. */
function decodeHead(head: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(head, { stream: true });
}
