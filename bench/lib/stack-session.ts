import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { messageView } from '../../protocol/api/session/message.ts';
import { createdSession } from '../../protocol/api/session/session.ts';
import { Arrivals } from './arrivals.ts';
import type { Service } from './service.ts';
import { openStream } from './stream-client.ts';

/** Longest time until a deleted session is gone, milliseconds. */
const GONE_MS = 20_000;
const POLL_MS = 20;

/** A session of a service that waits for the next message. */
export interface StackSession {
  /** From `POST /sessions` to the answer of `POST …/chat` with the result, milliseconds. */
  readonly firstResultMs: number;
  /** From a prompt's frame to the result's event, both on an open WebSocket; milliseconds. */
  chatOverSocket(prompt: string): Promise<number>;
  /** From `POST …/chat` with `stream: false` to its answer, milliseconds. */
  chatOverHttp(prompt: string): Promise<number>;
  /** Deletes it and waits until it is gone. */
  end(): Promise<void>;
}

/** A new session, from nothing to its first result. @throws when it fails */
export async function newSession(service: Service, prompt: string): Promise<StackSession> {
  const began = performance.now();
  const { session_id } = await post(service, '/sessions', {}, createdSession);
  await chat(service, session_id, prompt);
  const firstResultMs = performance.now() - began;

  const results = new Arrivals();
  const stream = await openStream(service, session_id, ({ type, data }) => {
    if (type === 'result') results.arrived();
    else if (type === 'message.failed') results.fail(new Error(`a message failed: ${JSON.stringify(data)}`));
  });
  // The first turn's result, from the log.
  await results.next();
  return {
    firstResultMs,
    async chatOverSocket(prompt) {
      const began = performance.now();
      stream.prompt(prompt);
      return (await results.next()) - began;
    },
    async chatOverHttp(prompt) {
      const began = performance.now();
      await chat(service, session_id, prompt);
      const took = performance.now() - began;
      await results.next();
      return took;
    },
    async end() {
      await stream.close();
      await endSession(service, session_id);
    },
  };
}

/** Sends a message and waits for its result. @throws when it did not complete */
export async function chat(service: Service, sessionId: string, prompt: string): Promise<void> {
  const message = await post(service, `/sessions/${sessionId}/chat`, { prompt, stream: false }, messageView);
  if (message.status !== 'completed') throw new Error(`a message ${message.status}: ${message.error?.detail}`);
}

/** Deletes a session and waits until its processes and its files are gone. */
export async function endSession(service: Service, sessionId: string): Promise<void> {
  const response = await fetch(`${service.url}/api/v1/sessions/${sessionId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${service.token}` },
  });
  if (!response.ok) throw new Error(`DELETE answered ${response.status}: ${await response.text()}`);
  const deadline = performance.now() + GONE_MS;
  while (existsSync(path.join(service.sessions, sessionId))) {
    if (performance.now() > deadline) throw new Error(`session ${sessionId} was not gone after ${GONE_MS} ms`);
    await delay(POLL_MS);
  }
}

/** @throws when the call is refused */
export async function post<T>(service: Service, call: string, body: object, answer: z.ZodType<T>): Promise<T> {
  const response = await fetch(`${service.url}/api/v1${call}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${call} answered ${response.status}: ${text}`);
  return answer.parse(JSON.parse(text));
}
