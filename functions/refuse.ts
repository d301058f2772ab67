import type { Context } from 'hono';
import { PROBLEMS, type Problem, type Refusal } from '../protocol/problem.ts';

/** Where a code's description can be read. */
const TYPE_BASE = '/docs#problem-';

/** The one place where a refusal becomes an answer: RFC 9457 problem+json. */
export function refuse(c: Context, refusal: Refusal, headers: Record<string, string> = {}) {
  const [status, title] = PROBLEMS[refusal.refused];
  const { detail, errors } = refusal;
  const problem: Problem = { type: TYPE_BASE + refusal.refused, title, status, code: refusal.refused, detail };
  const body: Problem = errors === undefined ? problem : { ...problem, errors };
  return c.json(body, status, { ...headers, 'content-type': 'application/problem+json' });
}
