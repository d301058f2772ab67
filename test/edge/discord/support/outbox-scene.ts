import { env, runInDurableObject } from 'cloudflare:test';
import { DeskTable } from '../../../../durable/discord/tables/desk-table.ts';
import { textBody } from '../../../../durable/discord/core/wire/message.ts';
import { Outbox } from '../../../../durable/discord/outbox/outbox.ts';
import { OutboxTable } from '../../../../durable/discord/tables/outbox-table.ts';
import { DiscordRest } from '../../../../durable/discord/outbox/rest.ts';
import { view } from '../../../unit/durable/discord/core/view.ts';
import { BOT, FakeDiscord } from './discord.ts';

/** A session. */
export const A = '019ac1de-0000-7000-8000-0000000000aa';
export const minutes = (count: number) => count * 60_000;

/** An outbox on real storage, with that Discord. */
export class OutboxScene extends FakeDiscord {
  desk: DeskTable;
  outbox: Outbox;
  readonly #storage: DurableObjectStorage;
  #work: Promise<unknown>[] = [];

  constructor(storage: DurableObjectStorage) {
    super();
    this.#storage = storage;
    [this.desk, this.outbox] = this.#begin();
  }

  /** The object was evicted: of what it had in memory nothing is left. */
  restart(): void {
    this.#work = [];
    [this.desk, this.outbox] = this.#begin();
  }

  /** Lets time pass, with an alarm whenever one is asked for. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    this.outbox.send();
    await this.settled();
    for (let next = this.outbox.nextTry(); next !== null && next <= until; next = this.outbox.nextTry()) {
      if (next <= this.now && this.#work.length > 0) break;
      this.now = Math.max(this.now, next);
      this.outbox.send();
      await this.settled();
    }
    this.now = until;
  }

  /** A session that has a thread. */
  follow(session_id: string, name = 'work', user = '42'): string {
    this.desk.addThread({ session_id, user, name });
    this.outbox.add(`thread ${session_id}`, { do: 'open_thread', session_id });
    return session_id;
  }

  threadOf(session_id: string): string {
    const id = this.desk.thread(session_id)?.thread_id;
    if (id === undefined || id === null) throw new Error('it has no thread');
    return id;
  }

  /** Nothing is under way; while Discord hangs, nothing but that. */
  async settled(): Promise<void> {
    if (this.fault === 'hangs') return void (await new Promise((resolve) => setTimeout(resolve, 5)));
    while (this.#work.length > 0) {
      const work = this.#work;
      this.#work = [];
      await Promise.all(work);
    }
  }

  #begin(): [DeskTable, Outbox] {
    const desk = new DeskTable(this.#storage.sql);
    const outbox = new Outbox({
      ctx: { waitUntil: (work) => this.#work.push(work) },
      rest: new DiscordRest({
        fetch: (url, init) => this.fetch(url, init),
        baseUrl: 'http://127.0.0.1:9/api',
        botToken: 'secret',
        now: () => this.now,
        // Of real time; an object is not evicted before.
        timeoutMs: 200,
      }),
      table: new OutboxTable(this.#storage.sql),
      desk,
      channel: this.channel,
      application: BOT.id,
      retry: () => {},
      now: () => this.now,
    });
    return [desk, outbox];
  }
}

/** With storage of its own. */
export const inObject = (work: (scene: OutboxScene) => Promise<void>, name: string = crypto.randomUUID()) =>
  runInDurableObject(env.DISCORD.get(env.DISCORD.idFromName(name)), async (_, { storage }) => {
    await work(new OutboxScene(storage));
  });

export const say = ({ outbox }: OutboxScene, text: string, session?: string) =>
  outbox.say(session === undefined ? 'channel' : { thread_of: session }, textBody(text));

/** Asks something. */
export function ask({ desk, outbox, now }: OutboxScene, changes: object = {}, session?: string): string {
  const asked = view({
    interaction_id: crypto.randomUUID(),
    ...(session === undefined ? {} : { session_id: session }),
    ...changes,
  });
  desk.asks.save(asked, 'alice', now);
  const to = session === undefined ? ('channel' as const) : { thread_of: session };
  const lane = session === undefined ? 'channel' : `thread ${session}`;
  outbox.add(lane, { do: 'ask', to, interaction_id: asked.interaction_id });
  return asked.interaction_id;
}
