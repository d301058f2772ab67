import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { decide, type FailingStep } from './decide.ts';
import { messagesRequest, type MessagesRequest } from './messages-request.ts';
import { sendError, sendReply, type SendOptions } from './send-reply.ts';
import { tokenCount } from './stream-events.ts';

export type DemoModelOptions = {
  /** Waits between the words of a paced stream; rejects when the signal is aborted. */
  wait?: SendOptions['wait'];
  /** Makes ids of messages and tool calls. They must be unique within a conversation. */
  newId?: () => string;
};

/** How one request ended, in the terms of the runner's model gateway. */
type DemoExchange =
  | { outcome: 'answered'; status: number; headersMs: number; totalMs: number }
  /** The script said `cut`: the connection was broken. */
  | { outcome: 'broken'; status: number; code: 'demo_cut' };

/**
 * Answers one request. `signal` is aborted when the client hangs up; the handler then throws. `body` replaces the
 * request's own body, for a caller that limits it or has read some of it; the demo model itself sets no limit.
 */
export type DemoModel = (
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  body?: AsyncIterable<Buffer>,
) => Promise<DemoExchange>;

/**
 * The scripted model that stands in when no credential is set: see docs/demo-model.md. Everything that it needs is in
 * the request, except how often a step with `times` has failed. It counts that itself, so make one for each session.
 */
export function createDemoModel(options: DemoModelOptions = {}): DemoModel {
  const { wait = (ms, signal) => sleep(ms, undefined, { signal }), newId = randomUUID } = options;
  const failing = failureCounter();
  const newToolId = () => `toolu_demo_${newId()}`;

  return async (request, response, signal, body = request) => {
    const start = performance.now();
    const parsed = await parse(body);
    if (parsed.kind === 'invalid') {
      const message = `cc-docker: the demo model cannot read this: ${parsed.why}`;
      sendError(response, { status: 400, type: 'invalid_request_error', message });
      return { outcome: 'answered', status: 400, headersMs: 0, totalMs: performance.now() - start };
    }
    const { model, stream } = parsed.request;
    const head = { id: `msg_demo_${newId()}`, model, inputTokens: parsed.tokens };
    const reply = decide(parsed.request, failing);
    const headersMs = performance.now() - start;
    await sendReply(response, reply, { head, stream, newToolId, wait, signal });
    if (reply.ending.kind === 'cut') return { outcome: 'broken', status: response.statusCode, code: 'demo_cut' };
    return { outcome: 'answered', status: response.statusCode, headersMs, totalMs: performance.now() - start };
  };
}

/** Counts uses of steps with `times`. The key has the prompt's text too, because each subagent counts its own prompts. */
function failureCounter(): FailingStep {
  const uses = new Map<string, number>();
  return (prompt, step, times) => {
    if (times === undefined) return true;
    const key = `${prompt.index}/${step}/${createHash('sha256').update(prompt.text).digest('base64')}`;
    const used = uses.get(key) ?? 0;
    uses.set(key, used + 1);
    return used < times;
  };
}

type Parsed = { kind: 'request'; request: MessagesRequest; tokens: number } | { kind: 'invalid'; why: string };

async function parse(body: AsyncIterable<Buffer>): Promise<Parsed> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { kind: 'invalid', why: error instanceof Error ? error.message : String(error) };
  }
  const parsed = messagesRequest.safeParse(json);
  return parsed.success
    ? { kind: 'request', request: parsed.data, tokens: tokenCount(text) }
    : { kind: 'invalid', why: z.prettifyError(parsed.error) };
}
