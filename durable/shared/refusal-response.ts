import type { Refusal } from '../../protocol/api/problem.ts';

/** What an object's `fetch` answers a handler when it refuses. */
export function refusalResponse(refusal: Refusal): Response {
  return Response.json(refusal, { status: 400 });
}
