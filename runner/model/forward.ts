import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request as send, type Dispatcher } from 'undici';
import { credentialHeader } from './credential.ts';
import { Mask, maskText } from '../lib/mask.ts';
import { MODEL_UNREACHABLE, networkErrorCode, sendError, unreachableMessage } from './error.ts';
import type { ModelHandler } from './exchange.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import type { ModelUpstream } from './upstream.ts';
import { BodyTooLarge } from './request-body.ts';

/**
 * Forwards requests to an upstream with its credential, streaming both ways: nothing is held longer than a chunk, and
 * neither side is read faster than the other takes. The upstream's own errors pass through.
 */
export function forwardToModel(
  { baseUrl, credential }: Extract<ModelUpstream, { kind: 'anthropic' }>,
  pool: Dispatcher,
): ModelHandler {
  const url = `${baseUrl}/v1/messages?beta=true`;
  const authentication = credential === undefined ? {} : credentialHeader(credential);
  // An upstream may repeat what it was sent ("invalid x-api-key: …"). It is asked for plain text, so that this can be seen.
  const telltales = credential === undefined ? [] : [credential.value];
  const plain = telltales.length === 0 ? {} : { 'accept-encoding': 'identity' };

  return async (request, response, signal, body) => {
    const start = performance.now();
    let broken: string | undefined;
    try {
      const answer = await send(url, {
        dispatcher: pool,
        method: 'POST',
        headers: { ...requestHeaders(request.headers), ...plain, ...authentication },
        body: Readable.from(body, { objectMode: false }),
        signal,
      });
      const headersMs = performance.now() - start;
      response.writeHead(answer.statusCode, maskHeaders(responseHeaders(answer.headers), telltales));
      // Else Node holds the headers back until the first chunk.
      response.flushHeaders();
      // Told here, for the answer that is then broken off looks as if the client had hung up.
      answer.body.once('error', (error) => {
        if (!signal.aborted) broken = networkErrorCode(error);
      });
      if (telltales.length === 0) await pipeline(answer.body, response);
      else await pipeline(answer.body, new Mask(telltales), response);
      return { outcome: 'answered', status: answer.statusCode, headersMs, totalMs: performance.now() - start };
    } catch (error) {
      if (broken !== undefined) return { outcome: 'broken', status: response.statusCode, code: broken };
      const code = networkErrorCode(error);
      if (signal.aborted || response.headersSent || error instanceof BodyTooLarge || code === undefined) throw error;
      sendError(response, 502, MODEL_UNREACHABLE, unreachableMessage(baseUrl, code));
      return { outcome: 'unreachable', code };
    }
  };
}

function maskHeaders(headers: Record<string, string | string[]>, telltales: readonly string[]) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? maskText(value, telltales) : value.map((one) => maskText(one, telltales)),
    ]),
  );
}
