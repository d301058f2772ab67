import type { FilesRefusal, RunnerTransferFrame } from '../../protocol/api/files/files.ts';

export type AnswerHead = Omit<Extract<RunnerTransferFrame, { kind: 'head' }>, 'kind'>;

/**
 * The answer to a request on a session's files. `body` opens files only when it is iterated, so an unread body holds nothing
 * open. It throws `FilesRefused` if the rest cannot be read.
 */
export type FilesAnswer =
  | { ok: true; head: AnswerHead; body: AsyncIterable<Uint8Array> }
  | { ok: false; refusal: FilesRefusal };

export type SuccessAnswer = Extract<FilesAnswer, { ok: true }>;

/** An answer whose body is produced while it is read. */
export function streamed(type: string, body: AsyncIterable<Uint8Array>): SuccessAnswer {
  return { ok: true, head: { type, size: null, range: null, modified_at: null, etag: null }, body };
}

/** A short JSON answer. */
export function json(value: unknown): SuccessAnswer {
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
