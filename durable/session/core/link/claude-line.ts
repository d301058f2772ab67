import { z } from 'zod';
import { OWN_PREFIXES } from '../../../../protocol/api/session/own-events.ts';
import type { TurnResult } from '../../../../protocol/api/session/message.ts';
import { uuid } from '../../../../protocol/ids.ts';
import { parseJson } from '../../../shared/json.ts';
import type { EndedTurn, ReportedTask, TurnOutcome } from '../life/input.ts';
import { reportedSettings, type ReportedSettings } from '../settings/reported-settings.ts';
import { turnError, type LoggedLine } from '../turns/turn-error.ts';

/** What a line of Claude Code means to the session. All lines except `control` are also stored. */
export type LineSignal =
  | ({
      readonly is: 'result';
      readonly turn: TurnResult;
    } & EndedTurn)
  /** Claude Code is done with this message, or will not answer it. */
  | { readonly is: 'message'; readonly message_id: string; readonly state: 'completed' | 'cancelled' }
  /** A turn begins that no message began. */
  | { readonly is: 'agent_turn' }
  | { readonly is: 'tasks'; readonly tasks: readonly ReportedTask[] }
  /** The running turn is told what a task in the background found. */
  | { readonly is: 'reported'; readonly run_id: string }
  /** The agent has read the results of these calls of tools. */
  | { readonly is: 'tool_results'; readonly tool_use_ids: readonly string[] }
  /** The conversation begins anew. */
  | { readonly is: 'reset' }
  /** Claude Code does nothing and has nothing more to say. Not stored, as it repeats what other lines say. */
  | { readonly is: 'idle' }
  /** Protocol between the CLI and its host. It is not part of the conversation, so it is not stored. */
  | { readonly is: 'control' };

export type ClaudeLine =
  | {
      readonly ok: true;
      readonly type: string;
      /** Claude Code's id of the conversation to which the line belongs; null: it does not say. */
      readonly conversation_id: string | null;
      readonly signal: LineSignal | null;
      /** What it says about the settings, besides; null: nothing. */
      readonly settings: ReportedSettings | null;
    }
  /** Claude Code does not write such a line. */
  | { readonly ok: false };

const anyLine = z.looseObject({
  type: z.string().min(1).max(128),
  subtype: z.string().optional().catch(undefined),
  session_id: uuid.optional().catch(undefined),
});
type AnyLine = z.infer<typeof anyLine>;

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
  /** Beside a subtype of an error, in place of `result`. */
  errors: z.array(z.string()).catch([]),
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
  origin: z.object({ runId: z.string().optional() }).optional().catch(undefined),
});
type ResultLine = z.infer<typeof resultLine>;

const lifecycleLine = z.object({ command_uuid: z.string(), state: z.string() });
const initLine = z.object({ user_message_uuids: z.array(z.string()).catch([]) });
const stateLine = z.object({ state: z.string() });
const tasksLine = z.object({
  tasks: z
    .array(
      z.object({
        task_id: z.string().max(256),
        run_id: z.string().max(256),
        task_type: z.string().catch(''),
        description: z.string().catch(''),
      }),
    )
    .max(256),
});
/** Claude Code repeats what it was told of a task as if a user had said it. */
const toldLine = z.object({ isReplay: z.literal(true), origin: z.object({ runId: z.string() }) });

/** What the agent reads of its tools' results. */
const resultsLine = z.object({
  message: z.object({
    content: z.array(
      z
        .object({ type: z.literal('tool_result'), tool_use_id: z.string() })
        .nullable()
        .catch(null),
    ),
  }),
});

/** Longest description of a task, UTF-16 units. */
const MAX_DESCRIPTION = 500;

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
  return {
    ok: true,
    type,
    conversation_id: parsed.data.session_id ?? null,
    signal: signalOf(parsed.data, before),
    settings: reportedSettings(parsed.data, before),
  };
}

function signalOf(line: AnyLine, before: Iterable<LoggedLine>): LineSignal | null {
  const { type, subtype } = line;
  if (CONTROL.has(type)) return { is: 'control' };
  switch (type) {
    case 'result':
      return resultSignal(line, before);
    case 'command_lifecycle':
      return lifecycleSignal(line);
    case 'conversation_reset':
      return { is: 'reset' };
    case 'user': {
      const told = toldLine.safeParse(line);
      return told.success ? { is: 'reported', run_id: told.data.origin.runId } : toolResults(line);
    }
    case 'system':
      return systemSignal(subtype, line);
  }
  return null;
}

function systemSignal(subtype: string | undefined, line: AnyLine): LineSignal | null {
  switch (subtype) {
    case 'init':
      return initLine.parse(line).user_message_uuids.length === 0 ? { is: 'agent_turn' } : null;
    case 'session_state_changed':
      return stateLine.safeParse(line).data?.state === 'idle' ? { is: 'idle' } : { is: 'control' };
    case 'background_tasks_changed': {
      const parsed = tasksLine.safeParse(line);
      return parsed.success ? { is: 'tasks', tasks: parsed.data.tasks.map(reportedTask) } : null;
    }
    case undefined:
    default:
      return null;
  }
}

function toolResults(line: AnyLine): LineSignal | null {
  const parsed = resultsLine.safeParse(line);
  const tool_use_ids = parsed.data?.message.content.flatMap((block) => block?.tool_use_id ?? []) ?? [];
  return tool_use_ids.length === 0 ? null : { is: 'tool_results', tool_use_ids };
}

type TaskLine = z.infer<typeof tasksLine>['tasks'][number];

function reportedTask({ task_id, run_id, task_type, description }: TaskLine): ReportedTask {
  // Kinds to come are more likely to report, as subagents do, than to run for ever.
  const kind = task_type === 'local_bash' ? 'shell' : 'agent';
  return { task_id, run_id, kind, description: description.slice(0, MAX_DESCRIPTION).toWellFormed() };
}

/** Longest result that is kept beside the log, UTF-16 units: a row of the store holds 2 MB. Claude's own are far shorter. */
const MAX_RESULT = 500_000;

function shortened(text: string): string {
  return text.length <= MAX_RESULT ? text : `${text.slice(0, MAX_RESULT).toWellFormed()}… (the event has the rest)`;
}

function resultSignal(data: unknown, before: Iterable<LoggedLine>): LineSignal | null {
  const parsed = resultLine.safeParse(data);
  if (!parsed.success) return null;
  const line = parsed.data;
  const costs = Object.values(line.model_usage_since_last_result);
  return {
    is: 'result',
    message_ids: line.user_message_uuids,
    agent: line.origin !== undefined || line.user_message_uuids.length === 0,
    run_id: line.origin?.runId ?? null,
    outcome: outcomeOf(line, before),
    turn: {
      type: 'result',
      subtype: line.subtype,
      result: typeof line.result === 'string' ? shortened(line.result) : null,
      duration_ms: line.duration_ms,
      total_cost_usd: costs.reduce((sum, { costUSD }) => sum + costUSD, 0),
      usage: line.usage,
    },
  };
}

/**
 * Reads the end of a message. In a turn of its own, the `result` comes before this line; of a message that was folded into
 * another turn, after it. Of a message that was cancelled before its turn began, this line is the only end.
 */
function lifecycleSignal(data: unknown): LineSignal | null {
  const parsed = lifecycleLine.safeParse(data);
  if (!parsed.success) return null;
  const { command_uuid, state } = parsed.data;
  return state === 'cancelled' || state === 'completed' ? { is: 'message', message_id: command_uuid, state } : null;
}

/** Reads success from `is_error` and `terminal_reason` alone: after an API failure, `subtype` is still "success". */
function outcomeOf(line: ResultLine, before: Iterable<LoggedLine>): TurnOutcome {
  const aborted = line.terminal_reason?.startsWith('aborted') ?? false;
  if (aborted) return { ok: false, aborted, error: { code: 'interrupted', detail: 'The turn was interrupted.' } };
  if (!line.is_error) return { ok: true };
  return { ok: false, aborted, error: turnError({ ...line, text: line.result ?? line.errors.join(' ') }, before) };
}
