import { eventEnvelope } from '../../protocol/api/session/event.ts';
import { pathOf, type Answered, type Api } from './api.ts';
import { readEvents } from './event-reader.ts';
import { eventText } from './event-text.ts';
import { readOutcome, type Outcome } from './outcome.ts';
import type { CallContext } from './tools/tool.ts';

/** The longest wait of one call, seconds. */
export const WAIT_MAX = 600;
/** The wait of a call that does not say how long, seconds. */
export const WAIT_DEFAULT = 120;
/**
 * The longest wait for a client that takes no progress notifications, seconds. Many such clients give up after a
 * minute, and the model would see an error.
 */
export const WAIT_WITHOUT_PROGRESS = 50;

/** The time between two progress notifications, milliseconds. Without any, clients give up after a minute. */
const PROGRESS_MS = 10_000;

/** How often a broken stream is opened again before that is an error. */
const TRIES = 5;

interface Wait {
  readonly session_id: string;
  readonly message_id: string;
  /** Absent: `WAIT_DEFAULT`. 0: not at all. */
  readonly timeout_seconds?: number | undefined;
  /** Whether a question ends the wait. */
  readonly return_on_question: boolean;
}

/** Waits until a message has ended, until somebody has to act, or until time is up. */
export async function waitForMessage(context: CallContext, wait: Wait): Promise<Answered<Outcome>> {
  const { api, signal, progress } = context;
  const longest = progress === undefined ? WAIT_WITHOUT_PROGRESS : WAIT_MAX;
  const seconds = Math.min(wait.timeout_seconds ?? WAIT_DEFAULT, longest);
  const stop = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  const reporter = new ProgressReporter(progress, seconds);
  try {
    for (let broken = 0; ;) {
      const seen = await readOutcome(api, wait.session_id, wait.message_id);
      if ('problem' in seen) return seen;
      const { outcome, last_seq } = seen.data;
      const goesOn = outcome.state === 'working' || (outcome.state === 'needs_answer' && !wait.return_on_question);
      if (!goesOn || seconds === 0 || stop.aborted) return { data: outcome };
      const followed = await untilChanged(api, wait.session_id, last_seq, stop, reporter).catch((error: unknown) => {
        // The session's object may have moved, or the session may be deleted. The next reading tells. But do not try
        // forever.
        if (broken >= TRIES) throw error;
        return { data: false };
      });
      if ('problem' in followed) return followed;
      broken = followed.data ? 0 : broken + 1;
      if (broken > TRIES) return { data: outcome };
    }
  } finally {
    reporter.end();
  }
}

/** Follows the log until an event may end the wait, or until `stop`. False: the stream ended earlier. */
async function untilChanged(
  api: Api,
  session_id: string,
  after: number,
  stop: AbortSignal,
  reporter: ProgressReporter,
): Promise<Answered<boolean>> {
  const opened = await api.open('GET', `${pathOf('/sessions/{}/events', session_id)}?after=${after}`, {
    headers: { accept: 'text/event-stream' },
  });
  if ('problem' in opened) return opened;
  const { body } = opened.data;
  if (body === null) throw new Error('the stream of events has no body');
  for await (const { type, json } of readEvents(body, stop)) {
    switch (type) {
      // The next reading tells whose message it is, and whether to go on waiting.
      case 'message.completed':
      case 'message.settled':
      case 'message.failed':
      case 'message.interrupted':
      case 'interaction.opened':
      case 'session.budget':
      case 'session.gap':
        return { data: true };
      case 'assistant':
        reporter.setText(json);
        break;
      default:
    }
  }
  return { data: stop.aborted };
}

const envelope = eventEnvelope.pick({ type: true, data: true });

/** Tells the client that the wait goes on, and what the agent said last. */
class ProgressReporter {
  readonly #notify: () => void;
  #timer: ReturnType<typeof setInterval> | null = null;
  #last = 'The message is taken.';

  constructor(progress: CallContext['progress'], total: number) {
    const began = Date.now();
    let sent = -1;
    this.#notify = () => {
      // Each value must be larger than the one before (MCP, progress).
      sent = Math.max(sent + 0.001, (Date.now() - began) / 1000);
      void progress?.(sent, total, this.#last);
    };
    if (progress === undefined) return;
    this.#notify();
    this.#timer = setInterval(this.#notify, PROGRESS_MS);
  }

  setText(json: string): void {
    const text = eventText(envelope.parse(JSON.parse(json))).trim();
    if (text !== '') this.#last = text.slice(0, 200);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
