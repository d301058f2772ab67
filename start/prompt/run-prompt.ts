import path from 'node:path';
import { CcDocker, CcDockerError, type PreviewEvent, type Session, type SessionEvent } from '../../client/main.ts';
import type { PromptRequest } from '../settings/arguments.ts';
import { LOCAL_OWNER } from '../settings/login-code.ts';
import { mintToken, type TokenRequest } from '../settings/mint-token.ts';
import { StreamPrinter } from '../../cli/output/stream-printer.ts';
import { shownPath } from '../lib/project.ts';
import { firstLine } from '../../cli/output/summary.ts';
import type { Terminal } from '../../cli/output/terminal.ts';

const TOKEN_SECONDS = 30 * 86_400;

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
  const token = await mintToken(secret, { ...claims, kind: 'user', sub: LOCAL_OWNER, ttlSeconds: TOKEN_SECONDS });
  const fail = (line: string) => {
    terminal.line(`✗ ${line}`, 'red');
    return false;
  };

  const cc = new CcDocker({ url, token, signal });
  const printer = new StreamPrinter(terminal, ['message.queued']);
  let session: Session;
  let isCompleted: boolean | undefined;
  try {
    session = await cc.sessions.create({ config: request.model === undefined ? {} : { model: request.model } });
    terminal.line(`› ${firstLine(request.prompt)}`, 'bold');
    terminal.line(`session ${session.id}`, 'dim');
    const { messageId } = await session.send(request.prompt);
    for await (const event of session.events({ previews: true })) {
      printer.show(event);
      isCompleted = outcomeOf(event, messageId);
      if (isCompleted !== undefined) break;
    }
  } catch (error) {
    printer.endLine();
    if (signal.aborted) return false;
    if (!(error instanceof CcDockerError)) throw error;
    return fail(error.message);
  }
  printer.endLine();
  const files = path.join(dataFolder, 'runner', 'sessions', session.id, 'workspace');
  terminal.line(`files: ${shownPath(files)}`, 'dim');
  return isCompleted === true;
}

/** Whether the message has completed; undefined: it has not ended with this event. */
function outcomeOf(event: SessionEvent | PreviewEvent, messageId: string): boolean | undefined {
  const { type, data } = event;
  if (type !== 'message.completed' && type !== 'message.failed' && type !== 'message.interrupted') return undefined;
  return data.message_id === messageId ? type === 'message.completed' : undefined;
}
