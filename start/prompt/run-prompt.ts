import path from 'node:path';
import { apiClient } from './api-client.ts';
import type { PromptRequest } from '../settings/arguments.ts';
import { mintToken, type TokenRequest } from '../settings/mint-token.ts';
import { NOTHING_PRINTED, printEvent, type Piece } from './print-stream.ts';
import { shownPath } from '../lib/project.ts';
import { isRefused } from '../lib/refused.ts';
import { firstLine } from './summary.ts';
import { followSession } from './session-stream.ts';
import type { Terminal } from '../lib/terminal.ts';

/** The owner of the sessions of `npm start -- "PROMPT"`. */
export const OWNER = 'local';
const TOKEN_SECONDS = 30 * 86_400;

const STYLES = {
  text: undefined,
  tool: 'cyan',
  output: 'dim',
  note: 'dim',
  done: 'green',
  error: 'red',
} as const satisfies Record<Piece['kind'], string | undefined>;

export interface PromptRun {
  url: string;
  secret: string;
  /** What the service expects of the token besides. */
  claims: Pick<TokenRequest, 'iss' | 'aud'>;
  request: PromptRequest;
  dataFolder: string;
  terminal: Terminal;
  signal: AbortSignal;
}

/**
 * Runs a prompt in a new session and prints its stream until the message has ended.
 *
 * @returns whether it completed
 */
export async function runPrompt(run: PromptRun): Promise<boolean> {
  const { url, secret, claims, request, dataFolder, terminal, signal } = run;
  const token = await mintToken(secret, { ...claims, kind: 'user', sub: OWNER, ttlSeconds: TOKEN_SECONDS });
  const api = apiClient(url, token);
  const fail = (line: string) => {
    terminal.line(`✗ ${line}`, 'red');
    return false;
  };

  const session = await api.createSession(request.model === undefined ? {} : { model: request.model });
  if (isRefused(session)) return fail(session.refused);
  const { session_id } = session;
  terminal.line(`› ${firstLine(request.prompt)}`, 'bold');
  terminal.line(`session ${session_id}`, 'dim');
  const message = await api.chat(session_id, request.prompt);
  if (isRefused(message)) return fail(message.refused);

  let printed = NOTHING_PRINTED;
  let outcome: string | undefined;
  const stream = `${url.replace(/^http/, 'ws')}/api/v1/sessions/${session_id}/stream`;
  const broken = await followSession(
    stream,
    token,
    (event) => {
      const next = printEvent(printed, event);
      printed = next.printed;
      for (const { kind, text } of next.pieces) {
        const format = STYLES[kind];
        const body = text.replace(/\n$/, '');
        terminal.write(format === undefined ? text : terminal.style(format, body) + text.slice(body.length));
      }
      const ended = /^message\.(completed|failed|interrupted)$/.exec(event.type)?.[1];
      if (ended === undefined || event.data['message_id'] !== message.message_id) return false;
      outcome = ended;
      return true;
    },
    signal,
  );
  if (printed.midLine) terminal.write('\n');
  if (broken !== undefined) return fail(broken.refused);
  const files = path.join(dataFolder, 'runner', 'sessions', session_id, 'workspace');
  if (outcome !== undefined) terminal.line(`files: ${shownPath(files)}`, 'dim');
  return outcome === 'completed';
}
