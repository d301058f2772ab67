import type { z } from 'zod';
import { acceptedMessage } from '../../protocol/api/session/message.ts';
import { problem } from '../../protocol/api/problem.ts';
import { createdSession } from '../../protocol/api/session/session.ts';
import type { Refused } from '../lib/refused.ts';

/** The calls of the HTTP API that are needed to run one prompt. */
export interface ApiClient {
  createSession(config: { model?: string }): Promise<z.infer<typeof createdSession> | Refused>;
  chat(sessionId: string, prompt: string): Promise<z.infer<typeof acceptedMessage> | Refused>;
}

/** @param url of the service, without a trailing slash */
export function apiClient(url: string, token: string): ApiClient {
  async function post<T>(path: string, body: object, answer: z.ZodType<T>): Promise<T | Refused> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}/api/v1${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return { refused: `${url} did not answer: ${cause instanceof Error ? cause.message : String(cause)}` };
    }
    if (response.ok) return answer.parse(JSON.parse(text));
    const found = problem.safeParse(parseJson(text)).data;
    return { refused: found === undefined ? `${path} answered ${response.status}` : `${found.detail} (${found.code})` };
  }
  return {
    createSession: (config) => post('/sessions', { config }, createdSession),
    chat: (sessionId, prompt) => post(`/sessions/${sessionId}/chat`, { prompt, stream: true }, acceptedMessage),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The answer is not CC-Docker's; its status says enough.
    return undefined;
  }
}
