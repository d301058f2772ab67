import type { ServerResponse } from 'node:http';
import { formatTarget } from '../../egress/policy/target.ts';
import { UpstreamFailure } from './upstream-agent.ts';

/** Sends a response of the runner's own, with a text that an agent can act on, and closes the connection. */
export function answer(response: ServerResponse, status: number, text: string): void {
  const body = `cc-docker: ${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

/** A text that says why the real server did not answer. */
export function failureText(target: { host: string; port: number }, error: Error): string {
  const where = formatTarget(target);
  if (error instanceof UpstreamFailure && error.kind === 'untrusted')
    return `the certificate of ${where} is not valid for it (${error.message}), so no secret was sent there. If this server has an authority of its own, the runner's operator names it in CC_EGRESS_CA.`;
  const code = 'code' in error ? String(error.code) : error.message;
  return `${where} did not answer (${code}).`;
}
