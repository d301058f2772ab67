import type { RunnerTransferFrame } from '../../../protocol/api/files/files.ts';

/** Content types that a runner may name. Any other becomes `application/octet-stream`. */
const TYPES: ReadonlySet<string> = new Set(['application/json', 'application/x-tar', 'text/x-diff']);

const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

type Head = Extract<RunnerTransferFrame, { kind: 'head' }>;

/** The stream for the answer's body. With a known length, a client notices an incomplete body even over HTTP/1.0. */
export function bodyOf({ size }: Head): {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
} {
  return size === null ? new IdentityTransformStream() : new FixedLengthStream(size);
}

/**
 * The response for the handler in `functions/`: a status below 400 with the body, whose length is in `x-size` if it is
 * known. A refusal (`shared/refusal-response.ts`) has status 400 and is JSON.
 */
export function headResponse(head: Head, body: ReadableStream<Uint8Array> | null): Response {
  const { type, size, range, modified_at, etag } = head;
  const headers = new Headers({ 'content-type': TYPES.has(type) ? type : 'application/octet-stream' });
  if (size !== null) headers.set('x-size', String(size));
  if (range !== null) headers.set('content-range', `bytes ${range.first}-${range.last}/${range.total}`);
  if (modified_at !== null) headers.set('last-modified', new Date(modified_at).toUTCString());
  if (etag !== null && ETAG.test(etag)) headers.set('etag', etag);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}
