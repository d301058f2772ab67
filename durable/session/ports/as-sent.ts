import { PAGE_HEADER } from '../../../protocol/preview/visit.ts';

/** The answer of a port, which must not look like one of ours. */
export function asSent(answer: Response): Response {
  if (!answer.headers.has(PAGE_HEADER)) return answer;
  const headers = new Headers(answer.headers);
  headers.delete(PAGE_HEADER);
  const { status, statusText, webSocket } = answer;
  if (webSocket !== null) return new Response(null, { status, webSocket, headers });
  // Its body goes on as it is, packed or not.
  return new Response(answer.body, { status, statusText, headers, encodeBody: 'manual' });
}
