import type { FilesRefusal, RunnerTransferFrame } from '../../protocol/api/files.ts';

export type AnswerHead = Omit<Extract<RunnerTransferFrame, { kind: 'head' }>, 'kind'>;

/**
 * What a request on a session's files comes to. `body` opens what it needs when it is iterated, so one that nobody reads holds nothing; it
 * throws `FilesRefused` when the rest cannot be had.
 */
export type FilesAnswer =
  { ok: true; head: AnswerHead; body: AsyncIterable<Uint8Array> } | { ok: false; refusal: FilesRefusal };

export type Answered = Extract<FilesAnswer, { ok: true }>;

/** An answer that is made as it is read. */
export function streamed(type: string, body: AsyncIterable<Uint8Array>): Answered {
  return { ok: true, head: { type, size: null, range: null, modified_at: null, etag: null }, body };
}

/** A short JSON answer. */
export function json(value: unknown): Answered {
  const bytes = Buffer.from(JSON.stringify(value));
  const head = { type: 'application/json', size: bytes.length, range: null, modified_at: null, etag: null };
  return {
    ok: true,
    head,
    body: (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  };
}
