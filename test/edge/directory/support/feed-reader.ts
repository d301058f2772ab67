import type { FeedEvent } from '../../../../protocol/api/feed.ts';
import { feedEvent } from '../../../../protocol/api/feed.ts';
import type { User } from '../../support/api.ts';
import { Reader } from '../../support/reader.ts';

/** Reads a user's feed as a console does: it knows the sessions and what waits, by the events alone. */
export class FeedReader {
  readonly sessions = new Map<string, Extract<FeedEvent, { type: 'session.changed' }>['data']>();
  readonly waiting = new Map<string, Extract<FeedEvent, { type: 'interaction.opened' }>['data']>();
  /** All that has come. */
  readonly events: FeedEvent[] = [];
  cursor = 0;
  #reader: Reader | null = null;
  #read = 0;
  #isLive = false;

  async connect(user: User, after = this.cursor): Promise<this> {
    await this.leave();
    this.#reader = new Reader(await user.feed(`?after=${after}`));
    this.#read = 0;
    this.#isLive = false;
    return this;
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel();
    this.#reader = null;
  }

  /** Reads until this has come, or holds. */
  async until(is: (event: FeedEvent) => boolean): Promise<FeedEvent> {
    for (;;) {
      const found = this.#take().find(is);
      if (found !== undefined) return found;
      await this.#more();
    }
  }

  /** Reads until all that there was when it connected has come. */
  async live(): Promise<this> {
    if (!this.#isLive) await this.until(({ type }) => type === 'feed.live');
    return this;
  }

  async ended(): Promise<string> {
    await this.#reader?.ended();
    return this.#reader?.text ?? '';
  }

  async #more(): Promise<void> {
    const reader = this.#reader;
    if (reader === null) throw new Error('it is not connected');
    const { length } = reader.text;
    await reader.until(new RegExp(`^[^]{${length}}[^]*\\n\\n$`));
  }

  #take(): FeedEvent[] {
    const text = this.#reader?.text ?? '';
    const last = text.lastIndexOf('\n\n');
    const end = last < 0 ? 0 : last + 2;
    const messages = text.slice(this.#read, end).split('\n\n');
    this.#read = Math.max(this.#read, end);
    const events = messages.flatMap((message) => {
      const parts = /^id: (\d+)\nevent: (\S+)\ndata: (.*)$/.exec(message);
      if (parts === null) return [];
      const event = feedEvent.parse(JSON.parse(parts[3] ?? ''));
      if (String(event.cursor) !== parts[1] || event.type !== parts[2])
        throw new Error(`the message is odd: ${message}`);
      return [event];
    });
    for (const event of events) this.#know(event);
    this.events.push(...events);
    return events;
  }

  #know(event: FeedEvent): void {
    this.cursor = event.cursor;
    switch (event.type) {
      case 'session.changed':
        this.sessions.set(event.data.session_id, event.data);
        break;
      case 'session.removed':
        this.sessions.delete(event.data.session_id);
        for (const [id, { session_id }] of this.waiting)
          if (session_id === event.data.session_id) this.waiting.delete(id);
        break;
      case 'interaction.opened':
        this.waiting.set(event.data.interaction_id, event.data);
        break;
      case 'interaction.closed':
        this.waiting.delete(event.data.interaction_id);
        break;
      case 'feed.gap':
        this.sessions.clear();
        this.waiting.clear();
        break;
      case 'feed.live':
        this.#isLive = true;
        break;
    }
  }
}
