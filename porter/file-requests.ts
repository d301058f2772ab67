import http2, { type ClientHttp2Stream } from 'node:http2';
import { createInterface } from 'node:readline';
import { ANSWERS_PATH, porterRequest, REQUESTS_PATH, type PorterAnswer } from '../protocol/link/porter.ts';
import { answerRequest } from '../runner/files/answer-request.ts';
import { measureWith } from '../runner/lib/disk/usage.ts';
import type { Log } from '../runner/lib/log.ts';
import type { Owner } from '../runner/lib/session-folders.ts';
import { endChunks, readChunks, sendChunk } from '../runner/lib/streams/chunks.ts';
import type { RunnerLine } from './runner-line.ts';

export interface FileRequestsOptions {
  line: Pick<RunnerLine, 'stream'>;
  /** The session's workspace here. */
  workspace: string;
  /** The user of the session's processes, who owns what is written. */
  user: Owner;
  log: Log;
}

/** Listens to the runner's requests for files and answers each, until the connection ends. To be called once for each. */
export async function answerFileRequests(options: FileRequestsOptions): Promise<void> {
  const stream = options.line.stream(REQUESTS_PATH);
  if (stream === undefined) return;
  stream.on('error', () => {});
  stream.end();
  try {
    for await (const line of createInterface({ input: stream })) void answerOne(options, line);
  } catch (error) {
    // The lines end with the stream's error, too. The runner line then dials again, and this is called for the next connection.
    options.log.info('the connection broke', { error });
  }
}

/** Never rejects. */
async function answerOne({ line, workspace, user, log }: FileRequestsOptions, text: string): Promise<void> {
  let stream: ClientHttp2Stream | undefined;
  try {
    const { id, request, limits: bounds } = porterRequest.parse(JSON.parse(text));
    // The porter is root in its container: no folder of the agent's is closed to it.
    const limits = bounds && { ...bounds, measure: measureWith({ log }) };
    if (request.op === 'share' || request.op === 'artifact') throw new Error(`${request.op} is the runner's own`);
    stream = line.stream(`${ANSWERS_PATH}${id}`);
    // The runner has seen the connection break, and waits for no answer.
    if (stream === undefined) return;
    stream.on('error', () => {});
    const body = readChunks(stream);
    const answer = await answerRequest({ request, workspace, as: user, limits, body, start: null });
    const head: PorterAnswer = answer.ok ? { ok: true, head: answer.head } : answer;
    await sendChunk(stream, Buffer.from(`${JSON.stringify(head)}\n`));
    if (answer.ok) for await (const chunk of answer.body) await sendChunk(stream, chunk);
    endChunks(stream);
    // What of the body nobody wanted.
    stream.resume();
  } catch (error) {
    log.warn('a request for files was broken off', { error });
    stream?.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }
}
