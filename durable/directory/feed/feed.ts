import type { FeedEvent } from '../../../protocol/api/feed.ts';
import { arrayText, jsonText, type JsonText } from '../../../protocol/json-text.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { FeedPage } from '../../rpc/directory/lists.ts';
import type { Revocation } from '../../rpc/gate-rpc.ts';
import type { StoredSummary } from '../../rpc/session/views.ts';
import { bodyOf, EVENT_STREAM_HEADERS, type StreamToken } from '../../shared/sse/paced-stream.ts';
import { RecentRevocations } from '../../shared/tokens/recent-revocations.ts';
import { readFeed } from './feed-log.ts';
import { FeedSlots, type FeedSlotsOptions } from './feed-slots.ts';
import { FeedStream, GAP } from './feed-stream.ts';
import type { GoneTable } from './gone-table.ts';
import { feedMessage, type FeedData, type FeedMessage } from './message.ts';
import type { Versions } from './versions.ts';

/** How much of what was sent last is kept for readers that are a little behind, characters. */
const MAX_TAIL = 1024 * 1024;
/** Most that is read from the tables at once, characters. */
const MAX_READ = 512 * 1024;

export interface OwnerFeedParts extends FeedSlotsOptions {
  readonly sql: SqlStorage;
  readonly versions: Versions;
  readonly gone: GoneTable;
}

/** How a reader of the feed comes. */
export interface FeedOptions extends StreamToken {
  /** The cursor to start after; 0: everything that there is comes first. */
  readonly after: number;
}

/**
 * The owner's feed: changes of the list of sessions and of what waits for people, as Server-Sent Events after a cursor. What has
 * changed since a cursor is in the tables (`readFeed`). While somebody reads, the last changes are in memory as well, so that a change
 * costs no query for each reader.
 */
export class OwnerFeed {
  readonly #parts: OwnerFeedParts;
  readonly #slots: FeedSlots;
  readonly #open = new Set<FeedStream>();
  readonly #revoked = new RecentRevocations();
  /** The last changes, in order, and the cursor before the first of them. */
  #tail: FeedMessage[] = [];
  #tailAfter = 0;
  #tailLength = 0;

  constructor(parts: OwnerFeedParts) {
    this.#parts = parts;
    this.#slots = new FeedSlots(parts, () => this.#open.size);
  }

  /** What the list shows of a session has changed. */
  sessionChanged(version: number, summary: JsonText<StoredSummary>): void {
    this.#push(version, 'session.changed', summary);
  }

  sessionRemoved(session_id: string): void {
    const version = this.#parts.versions.next();
    this.#parts.gone.add(version, session_id, null);
    this.#push(version, 'session.removed', jsonText({ session_id }));
  }

  /** Something waits, or what is shown of it has changed. @returns the version of that */
  opened(interaction: JsonText<FeedData<'interaction.opened'>>): number {
    const version = this.#parts.versions.next();
    this.#push(version, 'interaction.opened', interaction);
    return version;
  }

  /** It waits no more. */
  closed(session_id: string, interaction_id: string): void {
    const version = this.#parts.versions.next();
    this.#parts.gone.add(version, session_id, interaction_id);
    this.#push(version, 'interaction.closed', jsonText({ session_id, interaction_id }));
  }

  /** Lets a reader in, if there is room for one. */
  open(options: FeedOptions, owner: string): Response | Refusal {
    const full = this.#slots.take();
    if (full !== null) return full;
    const { versions } = this.#parts;
    if (this.#open.size === 0) this.#forgetTail(versions.last);
    const isKnown = this.#isKnown(options.after);
    const stream = new FeedStream((after) => this.#after(after), { ...options, isKnown, live: versions.last });
    this.#open.add(stream);
    // Its token was checked a while ago.
    for (const what of this.#revoked.all()) stream.endIfRevoked(what, owner);
    this.#slots.came();
    const body = bodyOf(stream, {
      sent: (bytes) => this.#slots.sent(bytes),
      left: () => {
        this.#open.delete(stream);
        if (this.#open.size === 0) this.#forgetTail(versions.last);
        this.#slots.left();
      },
    });
    return new Response(body, { headers: EVENT_STREAM_HEADERS });
  }

  /** Ends the streams whose token is revoked. */
  revoked(what: Revocation, owner: string): void {
    this.#revoked.add(what);
    for (const stream of this.#open) stream.endIfRevoked(what, owner);
  }

  /** Some of what has changed after a cursor, for whoever does not stay; it begins with `feed.gap` when that is not known. */
  page(after: number): FeedPage {
    const isKnown = this.#isKnown(after);
    const messages = [...(isKnown ? [] : [GAP]), ...readFeed(this.#parts.sql, isKnown ? after : 0, MAX_READ)];
    const { last } = this.#parts.versions;
    const cursor = messages.at(-1)?.cursor ?? after;
    return {
      data: arrayText(messages.map(({ json }) => json)),
      next_cursor: messages.length > 0 && cursor < last ? String(cursor) : null,
      last_cursor: last,
    };
  }

  /** What has gone since a cursor is known. One that is ahead is of state that was lost, when a backup was restored for example. */
  #isKnown(after: number): boolean {
    const { versions, gone } = this.#parts;
    return after === 0 || (after >= gone.since && after <= versions.last);
  }

  /** Some of what has changed after a cursor. */
  #after(cursor: number): readonly FeedMessage[] {
    if (cursor < this.#tailAfter) return readFeed(this.#parts.sql, cursor, MAX_READ);
    return this.#tail.filter((message) => message.cursor > cursor);
  }

  #push<Type extends FeedEvent['type']>(version: number, type: Type, data: JsonText<FeedData<Type>>): void {
    if (this.#open.size === 0) return;
    const message = feedMessage(version, type, data);
    this.#tail.push(message);
    this.#tailLength += message.json.length;
    while (this.#tailLength > MAX_TAIL) {
      const dropped = this.#tail.shift();
      if (dropped === undefined) break;
      this.#tailAfter = dropped.cursor;
      this.#tailLength -= dropped.json.length;
    }
    for (const stream of this.#open) stream.wake();
  }

  #forgetTail(after: number): void {
    this.#tail = [];
    this.#tailAfter = after;
    this.#tailLength = 0;
  }
}
