import { z } from 'zod';
import { OWN_PREFIXES } from '../../../protocol/api/event.ts';
import type { TurnResult } from '../../../protocol/api/message.ts';
import { parseJson } from '../../shared/json.ts';
import type { TurnOutcome } from './state.ts';
import { reportedSettings, type ReportedSettings } from './settings/reported-settings.ts';
import { turnError, type LoggedLine } from './turn-error.ts';

/** What a line of Claude Code means to the session. All lines except `control` are also stored. */
export type LineSignal =
  | {
      readonly is: 'result';
      readonly message_ids: readonly string[];
      readonly outcome: TurnOutcome;
      readonly turn: TurnResult;
    }
  /** Claude Code is done with this message. If no `result` for it came before, it was dropped. */
  | { readonly is: 'dropped'; readonly message_id: string }
  /** Protocol between the CLI and its host. It is not part of the conversation, so it is not stored. */
  | { readonly is: 'control' };

export type ClaudeLine =
  | {
      readonly ok: true;
      readonly type: string;
      readonly signal: LineSignal | null;
      /** What it says about the settings, besides; null: nothing. */
      readonly settings: ReportedSettings | null;
    }
  /** Claude Code does not write such a line. */
  | { readonly ok: false };

const anyLine = z.looseObject({ type: z.string().min(1).max(128) });

const modelUsage = z.record(z.string(), z.object({ costUSD: z.number().catch(0) }));

const tokens = z.int().min(0).catch(0);
const NO_TOKENS = { input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

/** The fields of a `result` that the session reads. All others are kept as they are. Tried with Claude Code 2.1.330. */
const resultLine = z.object({
  subtype: z.string(),
  is_error: z.boolean(),
  terminal_reason: z.string().nullish(),
  stop_reason: z.string().nullish(),
  result: z.string().nullish(),
  duration_ms: z.number().catch(0),
  api_error_status: z.int().nullish(),
  api_error_type: z.string().nullish(),
  api_error: z.string().nullish(),
  usage: z
    .object({
      input_tokens: tokens,
      output_tokens: tokens,
      cache_creation_input_tokens: tokens,
      cache_read_input_tokens: tokens,
    })
    .catch(NO_TOKENS),
  model_usage_since_last_result: modelUsage.catch({}),
  user_message_uuids: z.array(z.string()).catch([]),
});
type ResultLine = z.infer<typeof resultLine>;

const lifecycleLine = z.object({ command_uuid: z.string(), state: z.string() });

const CONTROL = new Set(['control_request', 'control_response', 'control_cancel_request', 'keep_alive']);

/**
 * Reads one line of Claude Code. The container is not trusted, so a line may be anything, even an imitation of our own
 * events.
 *
 * @param before the log before this line, the newest first: why a turn failed stands in an earlier line, for example
 */
export function readClaudeLine(line: string, before: Iterable<LoggedLine>): ClaudeLine {
  const parsed = anyLine.safeParse(parseJson(line));
  if (!parsed.success) return { ok: false };
  const { type } = parsed.data;
  if (OWN_PREFIXES.some((prefix) => type.startsWith(prefix))) return { ok: false };
  const settings = reportedSettings(parsed.data, before);
  if (CONTROL.has(type)) return { ok: true, type, settings, signal: { is: 'control' } };
  if (type === 'result') return { ok: true, type, settings, signal: resultSignal(parsed.data, before) };
  if (type === 'command_lifecycle') return { ok: true, type, settings, signal: lifecycleSignal(parsed.data) };
  return { ok: true, type, settings, signal: null };
}

function resultSignal(data: unknown, before: Iterable<LoggedLine>): LineSignal | null {
  const parsed = resultLine.safeParse(data);
  if (!parsed.success) return null;
  const line = parsed.data;
  const costs = Object.values(line.model_usage_since_last_result);
  return {
    is: 'result',
    message_ids: line.user_message_uuids,
    outcome: outcomeOf(line, before),
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

/**
 * Reads the end of a message. If its turn ended, its `result` came before this line, and the session ignores the
 * signal. If the message was cancelled before its turn began, there is no `result`, and this line is its only end.
 */
function lifecycleSignal(data: unknown): LineSignal | null {
  const parsed = lifecycleLine.safeParse(data);
  if (!parsed.success) return null;
  const { command_uuid, state } = parsed.data;
  return state === 'cancelled' || state === 'completed' ? { is: 'dropped', message_id: command_uuid } : null;
}

/** Reads success from `is_error` and `terminal_reason` alone: after an API failure, `subtype` is still "success". */
function outcomeOf(line: ResultLine, before: Iterable<LoggedLine>): TurnOutcome {
  const aborted = line.terminal_reason?.startsWith('aborted') ?? false;
  if (aborted) return { ok: false, aborted, error: { code: 'interrupted', detail: 'The turn was interrupted.' } };
  if (!line.is_error) return { ok: true };
  return { ok: false, aborted, error: turnError({ ...line, text: line.result ?? '' }, before) };
}
