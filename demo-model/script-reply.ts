import type { Reply, ReplyBlock, ReplyEnding } from './reply.ts';
import { stepsByCall, type Step } from './script.ts';
import { fillTemplate, type Variables } from './template.ts';

/** Tells whether the step with this index fails this time. `times` undefined: it always fails. */
export type Failing = (step: number, times: number | undefined) => boolean;

/** Anthropic's error `type` for each HTTP status. */
const ERROR_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/**
 * The script's reply to one model call.
 *
 * @param call how many model calls the script has answered before
 * @param failing called once for each failing step that is reached; each call counts as one use
 * @returns undefined after the script's end
 */
export function scriptReply(steps: Step[], call: number, variables: Variables, failing: Failing): Reply | undefined {
  const now = stepsByCall(steps)[call];
  if (now === undefined) return undefined;
  const blocks: ReplyBlock[] = [];
  for (const step of now) {
    const ending = endingOf(step);
    if (ending === undefined) blocks.push(...blocksOf(step, variables));
    else if (failing(steps.indexOf(step), timesOf(step))) return { blocks, ending };
  }
  // Only failing steps, and none fails any more: the caller says that the script has ended.
  if (blocks.length === 0) return undefined;
  return { blocks, ending: { kind: 'stop' } };
}

function blocksOf(step: Step, variables: Variables): ReplyBlock[] {
  if ('text' in step) {
    const text = fillTemplate(step.text, variables).repeat(step.repeat);
    return [{ type: 'text', text, tokensPerSecond: step.tokens_per_second }];
  }
  if ('thinking' in step) {
    const thinking = fillTemplate(step.thinking, variables);
    return [{ type: 'thinking', thinking, tokensPerSecond: step.tokens_per_second }];
  }
  const calls = 'tool' in step ? [step] : 'tools' in step ? step.tools : [];
  return calls.map(({ tool, input }) => ({ type: 'tool_use', name: tool, input: fillTemplate(input, variables) }));
}

function endingOf(step: Step): ReplyEnding | undefined {
  if ('stop' in step) return { kind: 'stop', reason: typeof step.stop === 'string' ? step.stop : step.stop.reason };
  if ('cut' in step) return { kind: 'cut' };
  if ('hang' in step) return { kind: 'hang' };
  if (!('error' in step)) return undefined;
  const { status, type, message, retry_after } = step.error;
  return {
    kind: 'error',
    status,
    type: type ?? ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
    message: message ?? `the demo model was told to answer ${status}`,
    retryAfter: retry_after,
  };
}

function timesOf(step: Step): number | undefined {
  if ('error' in step) return step.error.times;
  if ('stop' in step) return typeof step.stop === 'string' ? undefined : step.stop.times;
  const once = 'cut' in step ? step.cut : 'hang' in step ? step.hang : true;
  return once === true ? undefined : once.times;
}
