import { eventEnvelope } from '../../protocol/api/event.ts';
import { pathOf, type Answered, type Api } from './api.ts';
import { readEvents } from './event-reader.ts';
import { eventText } from './event-text.ts';
import { look, type Outcome } from './outcome.ts';
import type { CallContext } from './tools/tool.ts';

/** Longest that one call waits, seconds. */
export const WAIT_MAX = 600;
/** How long a call waits that does not say, seconds. */
export const WAIT_DEFAULT = 120;
/** Longest for a client that is not told of progress, whatever it says, seconds: many then give up after a minute, and the model would read of a fault. */
export const WAIT_UNTOLD = 50;

/** Between two words to the client that it goes on, milliseconds. Clients give up after a minute without. */
const PROGRESS_MS = 10_000;

/** How often a stream that breaks off is opened anew before that is a fault. */
const TRIES = 5;

interface Wait {
  readonly session_id: string;
  readonly message_id: string;
  /** Absent: `WAIT_DEFAULT`. 0: not at all. */
  readonly timeout_seconds?: number | undefined;
  /** Whether a question ends the wait. */
  readonly return_on_question: boolean;
}

/** Waits until a message has ended, or something has to be done for it, or time is up. */
export async function waitForMessage(context: CallContext, wait: Wait): Promise<Answered<Outcome>> {
  const { api, signal, progress } = context;
  const longest = progress === undefined ? WAIT_UNTOLD : WAIT_MAX;
  const seconds = Math.min(wait.timeout_seconds ?? WAIT_DEFAULT, longest);
  const stop = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  const news = new News(progress, seconds);
  try {
    for (let broken = 0; ;) {
      const seen = await look(api, wait.session_id, wait.message_id);
      if ('problem' in seen) return seen;
      const { outcome, last_seq } = seen.data;
      const goesOn = outcome.state === 'working' || (outcome.state === 'needs_answer' && !wait.return_on_question);
      if (!goesOn || seconds === 0 || stop.aborted) return { data: outcome };
      const followed = await untilChanged(api, wait.session_id, last_seq, stop, news).catch((error: unknown) => {
        // As when the session's object is moved, or has just been deleted: the next look says. But not without end.
        if (broken >= TRIES) throw error;
        return { data: false };
      });
      if ('problem' in followed) return followed;
      broken = followed.data ? 0 : broken + 1;
      if (broken > TRIES) return { data: outcome };
    }
  } finally {
    news.end();
  }
}

/** Follows the log until something is said that may end the wait, or `stop`. False: the stream ended before. */
async function untilChanged(
  api: Api,
  session_id: string,
  after: number,
  stop: AbortSignal,
  news: News,
): Promise<Answered<boolean>> {
  const opened = await api.open('GET', `${pathOf('/sessions/{}/events', session_id)}?after=${after}`, {
    headers: { accept: 'text/event-stream' },
  });
  if ('problem' in opened) return opened;
  const { body } = opened.data;
  if (body === null) throw new Error('the stream of events has no body');
  for await (const { type, json } of readEvents(body, stop)) {
    switch (type) {
      // Whose message it is, and whether it is to be waited for at all, the next look says.
      case 'message.completed':
      case 'message.failed':
      case 'message.interrupted':
      case 'interaction.opened':
      case 'session.budget':
      case 'session.gap':
        return { data: true };
      case 'assistant':
        news.hear(json);
        break;
      default:
    }
  }
  return { data: stop.aborted };
}

const envelope = eventEnvelope.pick({ type: true, data: true });

/** Tells the client that the wait goes on, and what the agent said last. */
class News {
  readonly #tell: () => void;
  #timer: ReturnType<typeof setInterval> | null = null;
  #last = 'The message is taken.';

  constructor(progress: CallContext['progress'], total: number) {
    const began = Date.now();
    let told = -1;
    this.#tell = () => {
      // Each has to be more than the one before (MCP, progress).
      told = Math.max(told + 0.001, (Date.now() - began) / 1000);
      void progress?.(told, total, this.#last);
    };
    if (progress === undefined) return;
    this.#tell();
    this.#timer = setInterval(this.#tell, PROGRESS_MS);
  }

  hear(json: string): void {
    const text = eventText(envelope.parse(JSON.parse(json))).trim();
    if (text !== '') this.#last = text.slice(0, 200);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
