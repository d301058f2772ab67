import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../bench/simulate/random.ts';
import { all, CcDockerError, type CcDocker, type CallOptions, type SessionEvent } from '../client/main.ts';
import { script } from '../test/support/e2e/client.ts';
import { atMost } from '../test/support/patience.ts';
import { waitAtMost } from '../runner/lib/wait-at-most.ts';
import type { EndedMessage, Refusal, SeenEvent, SentMessage, SessionRecord } from './records.ts';
import type { World } from './world/world.ts';

type Session = Awaited<ReturnType<CcDocker['sessions']['create']>>;

/** To this file of its workspace a session's steps write. */
const FILE = 'ran';
const RETRY_MS = 250;
/** How long a session that rests may take to be saved, and its viewers to be given the rest of its log, milliseconds. */
const RECORD_MS = atMost(60);

/** Who hears of what happens to a session. */
export interface Listeners {
  /** A viewer was given an event. */
  readonly onEvent: () => void;
  /** A call was not taken; it is made again. */
  readonly onRefusal: (refusal: Refusal) => void;
}

/** One session with its user, who writes to it again and again, and with two viewers. What it is told follows from its seed. */
export class LoadedSession {
  readonly id: string;
  readonly #session: Session;
  readonly #random: Random;
  readonly #sent: SentMessage[] = [];
  readonly #viewers: { readonly name: string; readonly seen: SeenEvent[]; ended: string | null }[] = [];
  readonly #ended = new AbortController();
  readonly #follows: Promise<void>[];
  readonly #listeners: Listeners;
  #works: Promise<void> = Promise.resolve();

  private constructor(session: Session, random: Random, listeners: Listeners) {
    this.id = session.id;
    this.#session = session;
    this.#random = random;
    this.#listeners = listeners;
    this.#follows = (['websocket', 'sse'] as const).map((transport) => this.#follow(transport));
  }

  static async begin(cc: CcDocker, random: Random, listeners: Listeners): Promise<LoadedSession> {
    const idempotencyKey = crypto.randomUUID();
    const create = (options: CallOptions) => cc.sessions.create({}, { idempotencyKey, ...options });
    return new LoadedSession(await untilTaken(create, listeners.onRefusal), random, listeners);
  }

  /** Writes to the session until `signal` ends that. */
  work(signal: AbortSignal): void {
    this.#works = this.#work(signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dice = this.#random.next();
      if (dice < 0.2) {
        // They wait in its queue.
        const ids = [await this.#send(), await this.#send()];
        for (const id of ids) await this.#settled(id);
      } else if (dice < 0.3) {
        const id = await this.#send();
        await pause(this.#random.between(0, 2_000));
        await this.#untilTaken((options) => this.#session.interrupt(options));
        await this.#settled(id);
      } else if (dice < 0.4) {
        await this.#untilTaken((options) => this.#session.stop(options));
      } else await this.#settled(await this.#send());
    }
  }

  /**
   * One more message, when nothing breaks any more: the session has to be able to complete it.
   *
   * @returns what the session is, when it has not done so in this time; null: it has
   */
  async finish(mostMs: number): Promise<string | null> {
    const finish = async () => {
      await this.#works;
      await this.#settled(await this.#send());
    };
    if ((await waitAtMost(finish(), mostMs)) !== 'late') return null;
    const open = (await all(this.#session.messages())).filter(({ status }) =>
      ['queued', 'processing'].includes(status),
    );
    return JSON.stringify({ session: await this.#session.show(), open });
  }

  /** What there is of it at the end. Its viewers are ended once they have all that is stored. */
  async record(world: World): Promise<SessionRecord> {
    await this.#untilTaken((options) => this.#session.stop(options));
    // Late: the checker says what is missing.
    await waitAtMost(
      untilSo(async () => {
        const { status, files } = await this.#session.show();
        return status === 'stopped' && files.saved;
      }),
      RECORD_MS,
    );
    const stored: SeenEvent[] = [];
    const { last_seq: last } = await this.#session.show();
    const reading = new AbortController();
    for await (const event of this.#session.events({ signal: reading.signal })) {
      stored.push(seenOf(event));
      if ((event.seq ?? 0) >= last) break;
    }
    await waitAtMost(
      untilSo(async () => this.#viewers.every(({ seen }) => (seen.at(-1)?.seq ?? 0) >= last)),
      RECORD_MS,
    );
    this.#ended.abort();
    await Promise.all(this.#follows);
    const messages = (await all(this.#session.messages())).map(({ message_id: id, status }): EndedMessage => ({
      id,
      status,
    }));
    const ran = (await readFile(world.workspace(this.id, FILE), 'utf8')).split('\n').filter((line) => line !== '');
    const mostContainers = world.host.mostContainers.get(this.id) ?? 0;
    return { id: this.id, sent: this.#sent, messages, stored, viewers: this.#viewers, ran, mostContainers };
  }

  async remove(): Promise<void> {
    await this.#untilTaken((options) => this.#session.remove(options));
  }

  async #send(): Promise<string> {
    const token = crypto.randomUUID();
    const steps = Math.floor(this.#random.between(1, 5));
    const prompt = script(
      ...Array.from({ length: steps }, (_, step) => [
        { text: `step ${step} ` },
        // On a full disk nothing is written, until there is room again.
        { tool: 'Bash', input: { command: `until echo ${token} ${step} >> ${FILE}; do sleep 0.2; done; sleep 0.1` } },
      ]).flat(),
      { text: `done ${token}` },
    );
    const idempotencyKey = crypto.randomUUID();
    const { messageId } = await this.#untilTaken((options) =>
      this.#session.send(prompt, { idempotencyKey, ...options }),
    );
    this.#sent.push({ id: messageId, token, steps });
    return messageId;
  }

  async #settled(messageId: string): Promise<void> {
    await this.#untilTaken((options) => this.#session.settled(messageId, options));
  }

  #untilTaken<T>(call: (options: CallOptions) => Promise<T>): Promise<T> {
    return untilTaken(call, this.#listeners.onRefusal);
  }

  async #follow(transport: 'websocket' | 'sse'): Promise<void> {
    const viewer = { name: `the viewer by ${transport}`, seen: Array<SeenEvent>(), ended: null as string | null };
    this.#viewers.push(viewer);
    try {
      for await (const event of this.#session.events({ transport, signal: this.#ended.signal })) {
        viewer.seen.push(seenOf(event));
        this.#listeners.onEvent();
      }
    } catch (error) {
      if (!this.#ended.signal.aborted) viewer.ended = String(error);
    }
  }
}

function seenOf(event: SessionEvent): SeenEvent {
  // A gap has no number: nothing of these logs may be gone.
  const { seq = 0, type, data } = event;
  const what = createHash('sha256').update(JSON.stringify(event)).digest('base64');
  const messageId = 'message_id' in data && typeof data.message_id === 'string' ? data.message_id : null;
  return { seq, type, what, messageId };
}

/** Makes a call until the service has taken it, as a program does that does not give up. @throws what will not change */
async function untilTaken<T>(
  call: (options: CallOptions) => Promise<T>,
  onRefusal: (refusal: Refusal) => void,
): Promise<T> {
  for (;;) {
    try {
      // A connection over which nothing passes is given up: the network may be silent.
      return await call({ signal: AbortSignal.timeout(20_000) });
    } catch (error) {
      if (error instanceof CcDockerError) {
        const { code, status = null, detail } = error;
        onRefusal({ code, status, detail });
        if (!error.retryable && !LATER.includes(code)) throw error;
      } else if (!isTimeout(error)) throw error;
      await pause(RETRY_MS);
    }
  }
}

/** What may be taken later, though the client would not ask again by itself: there is room again soon. Of a fault, the checker tells. */
const LATER: readonly string[] = ['bad_answer', 'disk_low', 'internal_error'];

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === 'TimeoutError';

async function untilSo(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await pause(RETRY_MS);
}
