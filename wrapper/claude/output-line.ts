import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import type { LinkItem } from '../../protocol/link/wrapper-notice.ts';
import type { SplitLine } from '../lib/line-splitter.ts';
import { type ServerStatus, statusAnswer } from '../mcp/mcp-status.ts';
import { type PermissionRequest, permissionRequest } from './permissions.ts';
import { type SpendingSign, spendingSign, usageAnswer } from './spending.ts';

/** What the wrapper makes of one line of Claude Code's standard output. */
export type OutputLine =
  /** Goes up as it is. */
  | { kind: 'item'; item: LinkItem; spending?: SpendingSign }
  /** A partial message: shown, not kept. */
  | { kind: 'preview'; line: string; spending?: SpendingSign }
  /** Tells of a message that was handed to it; goes up as it is. */
  | { kind: 'lifecycle'; line: string; messageId: string; state: string }
  /** Asks for leave to use a tool; does not go up as it is. */
  | { kind: 'permission'; request: PermissionRequest }
  /** Asks for something else, which nobody here knows; goes up as it is. */
  | { kind: 'request'; line: string; requestId: string }
  /** Takes back what it asked for; goes up as it is when it was none of the above. */
  | { kind: 'cancel'; line: string; requestId: string }
  /** The wrapper's own answer to one of these, which Claude Code says again; does not go up. */
  | { kind: 'echo' }
  /** Answers the wrapper's own `mcp_status`: how it stands with each MCP server. Does not go up: servers' headers stand in it. */
  | { kind: 'servers'; servers: ServerStatus[] }
  /** Answers the wrapper's own `get_usage`: what the conversation has cost, USD; null: it cannot say. Does not go up. */
  | { kind: 'usage'; totalUsd: number | null }
  /** Answers the wrapper's own `initialize`; does not go up. */
  | { kind: 'initialised'; version: string }
  | { kind: 'refused'; detail: string };

/** What the ids of the wrapper's own requests begin with. */
export const OWN_REQUESTS = 'cc-docker-';
/** The id of the wrapper's own `mcp_status`. */
export const STATUS_REQUEST = `${OWN_REQUESTS}mcp-status`;
/** The id of the wrapper's own `get_usage`. */
export const USAGE_REQUEST = `${OWN_REQUESTS}usage`;

const NOTICE_CHARACTERS = 8192;

const lifecycle = z.object({ command_uuid: z.string(), state: z.string() });
const request = z.object({ request_id: z.string() });
const responded = z.object({ response: request });
const answer = z.object({
  response: z.discriminatedUnion('subtype', [
    z.object({
      subtype: z.literal('success'),
      request_id: z.string(),
      response: z.object({ claude_code_version: z.string().max(128).catch('unknown') }),
    }),
    z.object({ subtype: z.literal('error'), request_id: z.string(), error: z.string() }),
  ]),
});

/** Reads a line; `initialiseId` is the `request_id` of the wrapper's own `initialize`. */
export function readOutputLine(split: SplitLine, initialiseId: string): OutputLine {
  if (split.kind === 'oversized') {
    const head = decodeHead(split.head);
    // Of an answer to the wrapper itself, as the status of MCP servers with their headers, nothing goes up.
    const own = head.startsWith('{"type":"control_response"');
    return { kind: 'item', item: { notice: 'oversized', bytes: split.size, head: own ? '' : head } };
  }
  const line = split.bytes.toString('utf8');
  const value = isUtf8(split.bytes) ? parseObject(line) : null;
  if (value === null) {
    return { kind: 'item', item: { notice: 'garbled', line: line.slice(0, NOTICE_CHARACTERS).toWellFormed() } };
  }
  const sign = spendingSign(value);
  const spending = sign !== null && { spending: sign };
  if (value.type === 'stream_event') return { kind: 'preview', line, ...spending };
  if (value.type === 'command_lifecycle') {
    const told = lifecycle.safeParse(value);
    if (told.success) {
      return { kind: 'lifecycle', line, messageId: told.data.command_uuid, state: told.data.state };
    }
  }
  if (value.type === 'control_request') {
    const permission = permissionRequest.safeParse(value);
    if (permission.success) return { kind: 'permission', request: permission.data };
    const asked = request.safeParse(value);
    if (asked.success) return { kind: 'request', line, requestId: asked.data.request_id };
  }
  if (value.type === 'control_cancel_request') {
    const cancelled = request.safeParse(value);
    if (cancelled.success) return { kind: 'cancel', line, requestId: cancelled.data.request_id };
  }
  if (value.type === 'control_response') {
    const answered = answer.safeParse(value);
    if (answered.success && answered.data.response.request_id === initialiseId) {
      const { response } = answered.data;
      return response.subtype === 'success'
        ? { kind: 'initialised', version: response.response.claude_code_version }
        : { kind: 'refused', detail: response.error };
    }
    const echo = responded.safeParse(value);
    if (echo.data?.response.request_id === STATUS_REQUEST) {
      return { kind: 'servers', servers: statusAnswer.safeParse(value).data?.response.response.mcpServers ?? [] };
    }
    if (echo.data?.response.request_id === USAGE_REQUEST) {
      const told = usageAnswer.safeParse(value);
      return { kind: 'usage', totalUsd: told.data?.response.response.session.total_cost_usd ?? null };
    }
    if (echo.success && !echo.data.response.request_id.startsWith(OWN_REQUESTS)) return { kind: 'echo' };
  }
  return { kind: 'item', item: line, ...spending };
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

/** The whole characters of a line's first bytes. */
function decodeHead(head: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(head, { stream: true });
}
