import http, { type IncomingMessage, type RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';
import { close, listen } from '../net/listen.ts';
import type { TunnelStage } from './stage.ts';

/** A server of the container, until the test has ended. @returns where people see it */
export async function serve(stage: TunnelStage, listener: RequestListener): Promise<string> {
  return await serveWith(stage, http.createServer(listener));
}

export async function serveWith(stage: TunnelStage, server: http.Server): Promise<string> {
  const port = await listen(server, '127.0.0.1');
  onTestFinished(async () => await close(server));
  return stage.url(port, '');
}

export interface Got {
  readonly status: number;
  /** Names and values, as they came. */
  readonly raw: readonly string[];
  readonly answer: IncomingMessage;
}

/** Asks by Node's own client: it shows what came, field by field and byte by byte. */
export function ask(url: string, options: http.RequestOptions = {}, body?: string | Buffer): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (answer) =>
      resolve({ status: answer.statusCode ?? 0, raw: answer.rawHeaders, answer }),
    );
    request.on('error', reject);
    request.end(body);
  });
}
