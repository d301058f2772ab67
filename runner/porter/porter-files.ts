import http2, { type ServerHttp2Stream } from 'node:http2';
import type { FilesRequest } from '../../protocol/api/files/files.ts';
import { MAX_PORTER_LINE, porterAnswer, type PorterAnswer, type PorterRequest } from '../../protocol/link/porter.ts';
import { endChunks, readChunks, sendChunk } from '../lib/streams/chunks.ts';
import type { FilesAnswer } from '../files/answer.ts';
import type { LiveFiles, LiveRequest } from '../files/live-files.ts';

/** From a request until its porter begins to answer, milliseconds. */
const ANSWER_MS = 15_000;

/** The requests that have a body. */
const HAVE_BODY: ReadonlySet<FilesRequest['op']> = new Set(['write', 'unpack']);

const AWAY: FilesAnswer = {
  ok: false,
  refusal: {
    code: 'files_unavailable',
    detail: 'The machine that has the session’s files is not connected at the moment. Try again soon.',
  },
};

/** The files of a session that runs beside a porter: each request is answered there. */
export class PorterFiles implements LiveFiles {
  #requests: ServerHttp2Stream | undefined;
  readonly #waiting = new Map<number, (stream: ServerHttp2Stream | undefined) => void>();
  #last = 0;

  /** The porter listens to requests, on this stream. */
  listens(stream: ServerHttp2Stream): void {
    stream.resume();
    stream.respond({ ':status': 200 });
    this.#requests?.close();
    this.#requests = stream;
    stream.once('close', () => {
      if (this.#requests !== stream) return;
      this.#requests = undefined;
      for (const take of this.#waiting.values()) take(undefined);
    });
  }

  /** The porter answers a request, on this stream. */
  answers(id: string, stream: ServerHttp2Stream): void {
    const take = this.#waiting.get(Number(id));
    if (take === undefined) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else take(stream);
  }

  async answer({ request, limits, body }: LiveRequest): Promise<FilesAnswer> {
    const id = (this.#last += 1);
    const stream = await this.#ask({ id, request, limits });
    if (stream === undefined) return AWAY;
    const bytes = readChunks(stream);
    stream.respond({ ':status': 200 });
    if (HAVE_BODY.has(request.op)) void sendBody(stream, body);
    else endChunks(stream);
    const { answer, rest } = await readAnswer(bytes, stream);
    if (answer.ok) return { ok: true, head: answer.head, body: rest };
    // It may have come before the end of the body, which nobody wants any more.
    stream.close(http2.constants.NGHTTP2_CANCEL);
    return answer;
  }

  async #ask(request: PorterRequest): Promise<ServerHttp2Stream | undefined> {
    const requests = this.#requests;
    if (requests === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<ServerHttp2Stream | undefined>();
    const late = setTimeout(() => resolve(undefined), ANSWER_MS);
    this.#waiting.set(request.id, resolve);
    requests.write(`${JSON.stringify(request)}\n`);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(request.id);
    }
  }
}

/** Sends the request's body. One that breaks cuts the stream short. */
async function sendBody(stream: ServerHttp2Stream, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) await sendChunk(stream, chunk);
    endChunks(stream);
  } catch {
    // The porter sees it, and who reads the answer, too.
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }
}

/** Reads the line before the answer's bytes. @throws when it is none */
async function readAnswer(
  bytes: AsyncGenerator<Buffer>,
  stream: ServerHttp2Stream,
): Promise<{ answer: PorterAnswer; rest: AsyncGenerator<Buffer> }> {
  let head = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await bytes.next();
    if (done === true) throw new Error('the porter has not answered');
    head = Buffer.concat([head, value]);
    const end = head.indexOf(10);
    if (end === -1 && head.length <= MAX_PORTER_LINE) continue;
    if (end === -1) throw new Error('the porter’s answer is too long');
    const answer = porterAnswer.parse(JSON.parse(head.subarray(0, end).toString()));
    return { answer, rest: restOf(head.subarray(end + 1), bytes, stream) };
  }
}

/** Who stops reading ends the stream. */
async function* restOf(
  first: Buffer,
  bytes: AsyncGenerator<Buffer>,
  stream: ServerHttp2Stream,
): AsyncGenerator<Buffer> {
  try {
    if (first.length > 0) yield first;
    yield* bytes;
  } finally {
    if (!stream.readableEnded) stream.close(http2.constants.NGHTTP2_CANCEL);
  }
}
