import type { Context } from 'hono';
import { PROBLEMS, type Problem, type Refusal } from '../protocol/api/problem.ts';

/** Where a code's description can be read. */
const TYPE_BASE = '/docs#problem-';

/** The one place where a refusal becomes an answer: RFC 9457 problem+json. */
export function refuse(c: Context, refusal: Refusal, headers: Record<string, string> = {}) {
  const [status] = PROBLEMS[refusal.refused];
  return c.json(problemOf(refusal), status, { ...headers, 'content-type': 'application/problem+json' });
}

/** A refusal as it is answered. */
export function problemOf({ refused, detail, errors }: Refusal): Problem {
  const [status, title] = PROBLEMS[refused];
  const problem: Problem = { type: TYPE_BASE + refused, title, status, code: refused, detail };
  return errors === undefined ? problem : { ...problem, errors };
}
