import type { IncomingHttpHeaders } from 'node:http';

type Headers = Record<string, string | string[]>;

/**
 * Request headers that go to the model. An allow-list, so that nothing a container invents (credentials, cookies,
 * forwarding and hop-by-hop headers) reaches the upstream. `accept-encoding` is allowed because the gateway does not read
 * bodies; they pass as they are encoded.
 */
const request = {
  names: new Set([
    'accept',
    'accept-encoding',
    'content-encoding',
    'content-length',
    'content-type',
    'user-agent',
    'x-app',
    'x-client-request-id',
    'traceparent',
  ]),
  prefixes: ['anthropic-', 'x-anthropic-', 'x-claude-', 'x-stainless-'],
};

/** Response headers that go back: those that Claude Code reads. */
const response = {
  names: new Set([
    'cf-ray',
    'content-encoding',
    'content-length',
    'content-type',
    'date',
    'request-id',
    'retry-after',
    'retry-after-ms',
    'x-request-id',
    'x-should-retry',
  ]),
  prefixes: ['anthropic-', 'x-ratelimit-'],
};

function pick(headers: IncomingHttpHeaders, allowed: typeof request): Headers {
  const picked: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (allowed.names.has(name) || allowed.prefixes.some((prefix) => name.startsWith(prefix))) picked[name] = value;
  }
  return picked;
}

/** @param headers names in lower case, as Node's parser gives them */
export const requestHeaders = (headers: IncomingHttpHeaders): Headers => pick(headers, request);

/** @param headers names in lower case */
export const responseHeaders = (headers: IncomingHttpHeaders): Headers => pick(headers, response);
