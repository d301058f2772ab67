import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../bench/simulate/random.ts';
import { all, CcDockerError, type CcDocker, type CallOptions, type SessionEvent } from '../client/main.ts';
import { script } from '../test/support/e2e/client.ts';
import { waitAtMost } from '../runner/lib/wait-at-most.ts';
import type { EndedMessage, SeenEvent, SentMessage, SessionRecord } from './records.ts';
import type { World } from './world/world.ts';

type Session = Awaited<ReturnType<CcDocker['sessions']['create']>>;

/** To this file of its workspace a session's steps write. */
const FILE = 'ran';
const RETRY_MS = 250;

/** One session with its user, who writes to it again and again, and with two viewers. What it is told follows from its seed. */
export class LoadedSession {
  readonly id: string;
  readonly #session: Session;
  readonly #random: Random;
  readonly #sent: SentMessage[] = [];
  readonly #viewers: { readonly name: string; readonly seen: SeenEvent[] }[] = [];
  readonly #ended = new AbortController();
  readonly #follows: Promise<void>[];
  readonly #onEvent: () => void;
  #works: Promise<void> = Promise.resolve();

  private constructor(session: Session, random: Random, onEvent: () => void) {
    this.id = session.id;
    this.#session = session;
    this.#random = random;
    this.#onEvent = onEvent;
    this.#follows = (['websocket', 'sse'] as const).map((transport) => this.#follow(transport));
  }

  /** @param onEvent a viewer was given an event */
  static async begin(cc: CcDocker, random: Random, onEvent: () => void): Promise<LoadedSession> {
    const idempotencyKey = crypto.randomUUID();
    const session = await untilTaken((options) => cc.sessions.create({}, { idempotencyKey, ...options }));
    return new LoadedSession(session, random, onEvent);
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
        await untilTaken((options) => this.#session.interrupt(options));
        await this.#settled(id);
      } else if (dice < 0.4) {
        await untilTaken((options) => this.#session.stop(options));
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
    await untilTaken((options) => this.#session.stop(options));
    await untilSo(async () => {
      const { status, files } = await this.#session.show();
      return status === 'stopped' && files.saved;
    });
    const stored: SeenEvent[] = [];
    const { last_seq: last } = await this.#session.show();
    const reading = new AbortController();
    for await (const event of this.#session.events({ signal: reading.signal })) {
      stored.push(seenOf(event));
      if ((event.seq ?? 0) >= last) break;
    }
    await untilSo(async () => this.#viewers.every(({ seen }) => (seen.at(-1)?.seq ?? 0) >= last));
    this.#ended.abort();
    await Promise.allSettled(this.#follows);
    const messages = (await all(this.#session.messages())).map(({ message_id: id, status }): EndedMessage => ({
      id,
      status,
    }));
    const ran = (await readFile(world.workspace(this.id, FILE), 'utf8')).split('\n').filter((line) => line !== '');
    const mostContainers = world.mostContainers.get(this.id) ?? 0;
    return { id: this.id, sent: this.#sent, messages, stored, viewers: this.#viewers, ran, mostContainers };
  }

  async remove(): Promise<void> {
    await untilTaken((options) => this.#session.remove(options));
  }

  async #send(): Promise<string> {
    const token = crypto.randomUUID();
    const steps = Math.floor(this.#random.between(1, 5));
    const prompt = script(
      ...Array.from({ length: steps }, (_, step) => [
        { text: `step ${step} ` },
        { tool: 'Bash', input: { command: `echo ${token} ${step} >> ${FILE}; sleep 0.1` } },
      ]).flat(),
      { text: `done ${token}` },
    );
    const idempotencyKey = crypto.randomUUID();
    const { messageId } = await untilTaken((options) => this.#session.send(prompt, { idempotencyKey, ...options }));
    this.#sent.push({ id: messageId, token, steps });
    return messageId;
  }

  async #settled(messageId: string): Promise<void> {
    await untilTaken((options) => this.#session.settled(messageId, options));
  }

  async #follow(transport: 'websocket' | 'sse'): Promise<void> {
    const seen: SeenEvent[] = [];
    this.#viewers.push({ name: `the viewer by ${transport}`, seen });
    for await (const event of this.#session.events({ transport, signal: this.#ended.signal })) {
      seen.push(seenOf(event));
      this.#onEvent();
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
async function untilTaken<T>(call: (options: CallOptions) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      // A connection over which nothing passes is given up: the network may be silent.
      return await call({ signal: AbortSignal.timeout(20_000) });
    } catch (error) {
      const isLater =
        error instanceof CcDockerError ? error.retryable || error.code === 'bad_answer' : isTimeout(error);
      if (!isLater) throw error;
      await pause(RETRY_MS);
    }
  }
}

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === 'TimeoutError';

async function untilSo(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await pause(RETRY_MS);
}
