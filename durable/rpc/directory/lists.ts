import type { SessionStatus } from '../../../protocol/api/session/session.ts';
import type { DeliveryState } from '../../../protocol/api/webhook.ts';
import type { InteractionSubject, WaitingInteraction } from '../../../protocol/api/session/interaction.ts';
import type { FeedEvent } from '../../../protocol/api/feed.ts';
import type { JsonText } from '../../../protocol/json-text.ts';
import type { StoredSummary } from '../session/views.ts';

export interface ListInput {
  readonly status: SessionStatus | undefined;
  readonly limit: number;
  /** Rows to skip: the seed's way of paging. */
  readonly offset: number;
  /** The id of the last session of the page before. */
  readonly cursor: string | undefined;
  /** Only this session and those below it; null: all. */
  readonly within: string | null;
}

export interface ListPage<Data = StoredSummary> {
  readonly data: Data[];
  readonly next_cursor: string | null;
  readonly total: number;
}

/** A session's summary as text, and its id. */
export interface SummaryText {
  readonly id: string;
  readonly summary: JsonText<StoredSummary>;
}

/** What of the owner's list of deliveries is asked for. */
export interface DeliveryQuery {
  readonly state: DeliveryState | undefined;
  readonly webhook: string | undefined;
  /** The id of the last one of the page before. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** What of all that waits for people is asked for. */
export interface InboxQuery {
  readonly kind: InteractionSubject['kind'] | undefined;
  readonly session_id: string | undefined;
  /** As the page before gave it. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A page of what waits. As text: a tool's input may be any JSON, which no type of an answer's can say. */
export interface InboxPage {
  readonly data: JsonText<WaitingInteraction[]>;
  readonly next_cursor: string | null;
}

/** Some of the feed's events. As text, for the same reason. */
export interface FeedPage {
  readonly data: JsonText<FeedEvent[]>;
  /** The next `after`; null: that is all. */
  readonly next_cursor: string | null;
  /** The cursor of the last change. */
  readonly last_cursor: number;
}
