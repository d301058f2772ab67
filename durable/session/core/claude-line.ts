import { z } from 'zod';
import { OWN_PREFIXES } from '../../../protocol/api/event.ts';
import type { TurnResult } from '../../../protocol/api/message.ts';
import type { MessageError } from '../../../protocol/reason.ts';
import { parseJson } from '../../shared/json.ts';
import type { TurnOutcome } from './state.ts';

/** What a line of Claude Code's means to the session, beside being stored. */
export type LineSignal =
  | {
      readonly is: 'result';
      readonly message_ids: readonly string[];
      readonly outcome: TurnOutcome;
      readonly turn: TurnResult;
    }
  | { readonly is: 'dropped'; readonly message_id: string }
  /** Protocol between the CLI and its host, not words of the conversation: not stored. */
  | { readonly is: 'control' };

export type ClaudeLine =
  | { readonly ok: true; readonly type: string; readonly signal: LineSignal | null }
  /** Not something that Claude Code says. */
  | { readonly ok: false };

const anyLine = z.looseObject({ type: z.string().min(1).max(128) });

const modelUsage = z.record(z.string(), z.object({ costUSD: z.number().catch(0) }));

/** The parts of a `result` that are read; all others pass by untouched. Tried against Claude Code 2.1.330. */
const resultLine = z.object({
  subtype: z.string(),
  is_error: z.boolean(),
  terminal_reason: z.string().nullish(),
  result: z.string().nullish(),
  duration_ms: z.number().catch(0),
  api_error_status: z.int().nullish(),
  api_error_type: z.string().nullish(),
  usage: z
    .object({ input_tokens: z.int().catch(0), output_tokens: z.int().catch(0) })
    .catch({ input_tokens: 0, output_tokens: 0 }),
  model_usage_since_last_result: modelUsage.catch({}),
  user_message_uuids: z.array(z.string()).catch([]),
});
type ResultLine = z.infer<typeof resultLine>;

const lifecycleLine = z.object({ command_uuid: z.string(), state: z.string() });

const CONTROL = new Set(['control_request', 'control_response', 'control_cancel_request', 'keep_alive']);

/** Reads one line as Claude Code wrote it. The container is not trusted: a line may be anything. */
export function readClaudeLine(line: string): ClaudeLine {
  const parsed = anyLine.safeParse(parseJson(line));
  if (!parsed.success) return { ok: false };
  const { type } = parsed.data;
  if (OWN_PREFIXES.some((prefix) => type.startsWith(prefix))) return { ok: false };
  if (CONTROL.has(type)) return { ok: true, type, signal: { is: 'control' } };
  if (type === 'result') return { ok: true, type, signal: resultSignal(parsed.data) };
  if (type === 'command_lifecycle') return { ok: true, type, signal: lifecycleSignal(parsed.data) };
  return { ok: true, type, signal: null };
}

function resultSignal(data: unknown): LineSignal | null {
  const parsed = resultLine.safeParse(data);
  if (!parsed.success) return null;
  const line = parsed.data;
  const costs = Object.values(line.model_usage_since_last_result);
  return {
    is: 'result',
    message_ids: line.user_message_uuids,
    outcome: outcomeOf(line),
    turn: {
      type: 'result',
      subtype: line.subtype,
      result: line.result ?? null,
      duration_ms: line.duration_ms,
      total_cost_usd: costs.reduce((sum, { costUSD }) => sum + costUSD, 0),
      usage: line.usage,
    },
  };
}

/** A message whose turn ended has its `result` before this; one that is cancelled before it began has none. */
function lifecycleSignal(data: unknown): LineSignal | null {
  const parsed = lifecycleLine.safeParse(data);
  if (!parsed.success) return null;
  const { command_uuid, state } = parsed.data;
  return state === 'cancelled' || state === 'completed' ? { is: 'dropped', message_id: command_uuid } : null;
}

/** An API failure has `subtype: "success"`, so only `is_error` and `terminal_reason` tell. */
function outcomeOf(line: ResultLine): TurnOutcome {
  const aborted = line.terminal_reason?.startsWith('aborted') ?? false;
  if (!line.is_error && !aborted) return { ok: true };
  return { ok: false, aborted, error: errorOf(line, aborted) };
}

function errorOf(line: ResultLine, aborted: boolean): MessageError {
  const said = line.result ?? '';
  if (aborted) return { code: 'interrupted', detail: 'The turn was interrupted.' };
  if (line.subtype === 'error_max_turns') {
    return { code: 'max_turns_reached', detail: 'The message took more model calls than config.max_turns allows.' };
  }
  if (line.terminal_reason !== 'api_error') {
    return { code: 'execution_error', detail: said || `Claude Code ended the turn with ${line.subtype}.` };
  }
  return modelError(line.api_error_status ?? null, line.api_error_type ?? null, said);
}

function modelError(status: number | null, type: string | null, said: string): MessageError {
  const quote = said === '' ? '' : ` Claude Code says: ${said}`;
  // Our own gateway's word for a model that does not answer at all.
  if (type === 'model_unreachable') {
    return {
      code: 'model_unreachable',
      detail: `The runner cannot reach the model: check ANTHROPIC_BASE_URL.${quote}`,
    };
  }
  switch (status) {
    case 401:
    case 403:
      return {
        code: 'model_auth_failed',
        detail: `The model refused the runner's credential (${status}): set a valid one on the runner.${quote}`,
      };
    case 429:
      return {
        code: 'model_rate_limited',
        detail: `The model's rate limit is reached (429): try again later.${quote}`,
      };
    case 529:
      return { code: 'model_overloaded', detail: `The model is overloaded (529): try again later.${quote}` };
    case null:
      return { code: 'model_unreachable', detail: `The connection to the model failed, or broke off.${quote}` };
    default:
      return { code: 'model_error', detail: `The model answered ${status}.${quote}` };
  }
}
