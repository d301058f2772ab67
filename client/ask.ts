import { MessageFailed } from './error.ts';
import type { PreviewEvent, SessionEvent } from './event.ts';
import type { CallOptions, EventsOptions, SendOptions, Transport } from './options.ts';
import type { Message, Prompt, SessionView } from './types.ts';

export interface SettleOptions extends CallOptions {
  /** A cursor from before the message ended: the stream is read from there. Default: where the log ends now. */
  readonly after?: number | undefined;
  /** `turn`: until its own turn has ended. `settled` (default): until its subagents have been reported on as well. */
  readonly wait?: 'turn' | 'settled' | undefined;
  /** Gets what comes meanwhile: events and previews. */
  readonly onEvent?: ((event: SessionEvent | PreviewEvent) => void) | undefined;
  readonly transport?: Transport | undefined;
}

export interface AskOptions extends SendOptions, Omit<SettleOptions, 'after'> {}

/** An answer. */
export interface Asked {
  /** What the agent said last. */
  readonly text: string;
  readonly message: Message;
}

/** What is asked of a session here. */
interface Asking {
  show(options: CallOptions): Promise<SessionView>;
  send(prompt: Prompt, options: SendOptions): Promise<{ readonly messageId: string }>;
  message(id: string, options: CallOptions): Promise<Message>;
  events(options: EventsOptions & { readonly previews: true }): AsyncIterable<SessionEvent | PreviewEvent>;
}

/** Sends a message and waits for the answer. */
export async function ask(session: Asking, prompt: Prompt, options: AskOptions): Promise<Asked> {
  const { last_seq: after } = await session.show(options);
  const { messageId } = await session.send(prompt, options);
  const message = await settled(session, messageId, { ...options, after });
  if (message.status !== 'completed') throw new MessageFailed(message);
  return { text: message.result ?? '', message };
}

/** Waits until a message has ended. The stream says when; the message itself says how. */
export async function settled(session: Asking, messageId: string, options: SettleOptions): Promise<Message> {
  const { wait = 'settled', signal, transport, onEvent } = options;
  const after = options.after ?? (await session.show(options)).last_seq;
  if (options.after === undefined) {
    const now = await session.message(messageId, options);
    if (hasEnded(now, wait)) return now;
  }
  for await (const event of session.events({ after, transport, signal, previews: true })) {
    onEvent?.(event);
    if (!endsMessage(event, messageId, wait)) continue;
    const view = await session.message(messageId, options);
    if (hasEnded(view, wait)) return view;
  }
  throw new Error('unreachable');
}

const hasEnded = ({ finished_at, settled_at }: Message, wait: 'turn' | 'settled') =>
  (wait === 'turn' ? finished_at : settled_at) !== null;

function endsMessage(event: SessionEvent | PreviewEvent, messageId: string, wait: 'turn' | 'settled'): boolean {
  // What is no longer stored may have said it.
  if (event.type === 'session.gap') return true;
  if (event.type === 'message.completed') {
    return event.data.message_id === messageId && (wait === 'turn' || event.data.settled !== false);
  }
  const { type, data } = event;
  if (type !== 'message.settled' && type !== 'message.failed' && type !== 'message.interrupted') return false;
  return data.message_id === messageId;
}
