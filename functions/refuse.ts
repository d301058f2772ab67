import type { Context } from 'hono';
import { PROBLEMS, type Problem, type Refusal } from '../protocol/api/problem.ts';
import type { AppEnv } from './app-env.ts';

/** Where the description of a code can be read. */
const TYPE_BASE = '/docs#problem-';

/** Turns a refusal into an answer: RFC 9457 problem+json. The only place that does. */
export function refuse(c: Context, refusal: Refusal, headers: Record<string, string> = {}) {
  const [status] = PROBLEMS[refusal.refused];
  c.set('refused', refusal.refused);
  const requestId: AppEnv['Variables']['requestId'] = c.get('requestId');
  return c.json(problemOf(refusal, requestId), status, {
    ...retryAfter(refusal),
    ...headers,
    'content-type': 'application/problem+json',
  });
}

/** RFC 9110 wants whole seconds. Rounded up, so that nobody comes back too early. */
function retryAfter({ retry_after_seconds: after }: Refusal): Record<string, string> {
  return after === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(after))) };
}

/** The body of the answer to a refused call. @param request_id absent: what is refused is not a call of its own */
export function problemOf({ refused, detail, errors }: Refusal, request_id?: string): Problem {
  const [status, title] = PROBLEMS[refused];
  const id = request_id === undefined ? {} : { request_id };
  const problem: Problem = { type: TYPE_BASE + refused, title, status, code: refused, detail, ...id };
  return errors === undefined ? problem : { ...problem, errors };
}
