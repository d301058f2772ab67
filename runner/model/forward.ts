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
 * Forwards requests to an upstream with its credential. Both directions stream: at most one chunk is buffered, and neither
 * side is read faster than the other takes. The upstream's own errors pass through.
 */
export function forwardToModel(
  { baseUrl, credential }: Extract<ModelUpstream, { kind: 'anthropic' }>,
  pool: Dispatcher,
): ModelHandler {
  const url = `${baseUrl}/v1/messages?beta=true`;
  const authentication = credential === undefined ? {} : credentialHeader(credential);
  // An upstream may repeat the credential ("invalid x-api-key: …"). Ask for an uncompressed answer, so it can be masked.
  const secrets = credential === undefined ? [] : [credential.value];
  const plain = secrets.length === 0 ? {} : { 'accept-encoding': 'identity' };

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
      response.writeHead(answer.statusCode, maskHeaders(responseHeaders(answer.headers), secrets));
      // Without this, Node sends the headers only with the first chunk.
      response.flushHeaders();
      // Keep the code: once the pipeline fails, it looks as if the client had hung up.
      answer.body.once('error', (error) => {
        if (!signal.aborted) broken = networkErrorCode(error);
      });
      if (secrets.length === 0) await pipeline(answer.body, response);
      else await pipeline(answer.body, new Mask(secrets), response);
      return { outcome: 'answered', status: answer.statusCode, headersMs, totalMs: performance.now() - start };
    } catch (error) {
      if (broken !== undefined) return { outcome: 'broken', status: response.statusCode, code: broken };
      const code = networkErrorCode(error);
      if (signal.aborted || response.headersSent || error instanceof BodyTooLarge || code === undefined) throw error;
      sendError(response, 502, MODEL_UNREACHABLE, unreachableMessage(baseUrl, code, error));
      return { outcome: 'unreachable', code };
    }
  };
}

function maskHeaders(headers: Record<string, string | string[]>, secrets: readonly string[]) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? maskText(value, secrets) : value.map((one) => maskText(one, secrets)),
    ]),
  );
}
