import * as z from 'zod';
import type { MessageError } from '../../../../protocol/reason.ts';
import { parseJson } from '../../../shared/json.ts';

/** A line of Claude Code in the log. */
export interface LoggedLine {
  readonly type: string;
  readonly json: string;
}

/** What Claude Code's `result` says about a turn that failed. */
interface FailedResult {
  readonly subtype: string;
  readonly terminal_reason?: string | null | undefined;
  readonly stop_reason?: string | null | undefined;
  /** The model's HTTP status; null: it gave no answer, or its answer was no error. */
  readonly api_error_status?: number | null | undefined;
  readonly api_error_type?: string | null | undefined;
  /** Claude Code's own name for some of the failures. */
  readonly api_error?: string | null | undefined;
  /** Claude Code's sentence about it. */
  readonly text: string;
}

const instantSeconds = z.int().min(0).max(32_503_680_000);

/**
 * The line in which Claude Code itself tells the conversation that a call to the model failed. It says more than the
 * `result` after it. All of it was tried with Claude Code 2.1.330.
 */
const errorLine = z.object({
  message: z.object({ model: z.literal('<synthetic>') }),
  /** The kind of the failure. */
  error: z.string(),
  api_error_params: z
    .object({
      cut: z.string().nullish().catch(null),
      rate_limit_info: z.object({ status: z.string(), resetsAt: instantSeconds }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});
type ErrorLine = z.infer<typeof errorLine>;

const parent = z.object({ parent_tool_use_id: z.string() });

/** Kinds that mean: this credential does not get in. */
const AUTH_KINDS = new Set([
  'authentication_failed',
  'oauth_org_not_allowed',
  'account_on_hold',
  'verification_required',
  'cloud_credential_error',
]);

/**
 * Why a turn failed.
 *
 * @param before the log before the `result`, the newest first. It is read only as far as needed. Nothing is remembered
 *   between lines, so a restart between them changes nothing
 */
export function turnError(result: FailedResult, before: Iterable<LoggedLine>): MessageError {
  const { subtype, terminal_reason, text } = result;
  const quote = text === '' ? '' : ` Claude Code says: ${text}`;
  if (subtype === 'error_max_turns') {
    return { code: 'max_turns_reached', detail: 'The message took more model calls than config.max_turns allows.' };
  }
  switch (terminal_reason ?? '') {
    case 'prompt_too_long':
      return {
        code: 'prompt_too_long',
        detail: `The prompt, with all that belongs to it, is longer than the model takes: send less at once.${quote}`,
      };
    case 'image_error':
      return { code: 'image_rejected', detail: `The model did not take an image, or all of them together.${quote}` };
    case 'api_error':
      return modelError(result, errorLineOf(before), quote);
    default:
      return { code: 'execution_error', detail: text || `Claude Code ended the turn with ${subtype}.` };
  }
}

/** The error that the failed turn ended with. Subagents have errors of their own, which do not end the turn. */
function errorLineOf(before: Iterable<LoggedLine>): ErrorLine | null {
  for (const { type, json } of before) {
    if (type === 'result') return null;
    if (type !== 'assistant') continue;
    const line = parseJson(json);
    if (!parent.safeParse(line).success) return errorLine.safeParse(line).data ?? null;
  }
  return null;
}

function modelError(result: FailedResult, line: ErrorLine | null, quote: string): MessageError {
  const { stop_reason, api_error, api_error_type: type } = result;
  const status = result.api_error_status ?? null;
  const kind = line?.error ?? null;
  if (stop_reason === 'refusal') {
    return { code: 'model_refused', detail: `The model declined to answer: rephrase the message.${quote}` };
  }
  if (api_error === 'max_output_tokens') {
    if (line?.api_error_params?.cut === 'context_window') {
      return {
        code: 'context_window_full',
        detail: `The conversation fills the model's context window: send /compact, or begin a new session.${quote}`,
      };
    }
    return {
      code: 'output_limit',
      detail: `The answer was longer than one answer may be: ask for less at once.${quote}`,
    };
  }
  // The type is our own model gateway's, when the model does not answer at all.
  if (type === 'model_unreachable') {
    return {
      code: 'model_unreachable',
      detail: `The runner cannot reach the model: check ANTHROPIC_BASE_URL.${quote}`,
    };
  }
  if (api_error === 'connection_failed') {
    return { code: 'model_unreachable', detail: `The connection to the model failed, or broke off.${quote}` };
  }
  const answered = status === null ? '' : ` (${status})`;
  if (kind === 'billing_error' || status === 402) {
    return {
      code: 'model_billing',
      detail: `The runner's account at the model cannot pay${answered}: check its credit.${quote}`,
    };
  }
  if ((kind !== null && AUTH_KINDS.has(kind)) || status === 401 || status === 403) {
    return {
      code: 'model_auth_failed',
      detail: `The model refused the runner's credential${answered}: set a valid one on the runner.${quote}`,
    };
  }
  if (kind === 'model_not_found' || status === 404) {
    return {
      code: 'model_not_found',
      detail: `There is no such model for the runner's credential${answered}: set another one.${quote}`,
    };
  }
  if (kind === 'rate_limit' || status === 429) return rateLimited(line, answered, quote);
  if (kind === 'overloaded' || status === 529) {
    return { code: 'model_overloaded', detail: `The model is overloaded${answered}: try again later.${quote}` };
  }
  const detail = status === null ? `The model's answer failed.${quote}` : `The model answered ${status}.${quote}`;
  return { code: 'model_error', detail };
}

/** Only a usage limit of a subscription has a time at which it is reset. */
function rateLimited(line: ErrorLine | null, answered: string, quote: string): MessageError {
  const limit = line?.api_error_params?.rate_limit_info;
  const code = 'model_rate_limited';
  if (limit?.status !== 'rejected') {
    return { code, detail: `The model's rate limit is reached${answered}: try again later.${quote}` };
  }
  const retry_at = new Date(limit.resetsAt * 1000).toISOString();
  return { code, detail: `The usage limit is reached${answered} until ${retry_at}.${quote}`, retry_at };
}
