import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { createDemoModel, type DemoModelOptions } from '../../../demo-model/demo-model.ts';
import type { ModelExchange } from '../../../runner/model/exchange.ts';
import { forwardToModel } from '../../../runner/model/forward.ts';
import { openModelGateway } from '../../../runner/model/gateway.ts';
import { createModelPool } from '../../../runner/model/pool.ts';
import type { ModelUpstream } from '../../../runner/model/upstream.ts';

export type Posted = { status: number; headers: Record<string, string | string[] | undefined>; text: string };

/** A gateway in a folder of its own, and a client of its socket. */
export async function openTestGateway({
  upstream,
  pool = createModelPool(),
  demo,
}: {
  upstream: ModelUpstream;
  pool?: Dispatcher;
  demo?: DemoModelOptions;
}) {
  const folder = await mkdtemp(join(tmpdir(), 'cc-gw-'));
  const socketPath = join(folder, 'model.sock');
  const log: string[] = [];
  const exchanges: ModelExchange[] = [];
  const gateway = await openModelGateway({
    handler: upstream.kind === 'demo' ? createDemoModel(demo) : forwardToModel(upstream, pool),
    socketPath,
    log: (level, message) => log.push(`${level}: ${message}`),
    onExchange: (exchange) => exchanges.push(exchange),
  });
  const dispatcher = new Agent({ connect: { socketPath } });
  const open = (body: string | Buffer, init: { headers?: Record<string, string>; signal?: AbortSignal } = {}) =>
    request('http://model.local/v1/messages?beta=true', {
      dispatcher,
      method: 'POST',
      body,
      signal: init.signal ?? null,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  return {
    folder,
    socketPath,
    log,
    exchanges,
    dispatcher,
    setPaused: (paused: boolean) => gateway.setPaused(paused),
    open,
    /** Posts a request as Claude Code would and reads the whole answer. */
    post: async (body: object, headers: Record<string, string> = {}): Promise<Posted> => {
      const answer = await open(JSON.stringify(body), { headers });
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
    },
    close: async () => {
      await dispatcher.destroy();
      await gateway.close();
      await rm(folder, { recursive: true });
    },
  };
}

export type TestGateway = Awaited<ReturnType<typeof openTestGateway>>;

const apiError = z.object({ type: z.literal('error'), error: z.object({ type: z.string(), message: z.string() }) });

/** The error in an answer that has Anthropic's shape. */
export const errorOf = (posted: Posted) => apiError.parse(JSON.parse(posted.text)).error;
