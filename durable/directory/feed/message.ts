import type { FeedEvent } from '../../../protocol/api/feed.ts';
import { jsonText, objectText, type JsonText } from '../../../protocol/json-text.ts';

export type FeedData<Type extends FeedEvent['type']> = Extract<FeedEvent, { type: Type }>['data'];

/** An event of the feed. */
export interface FeedMessage {
  /** The cursor after it. */
  readonly cursor: number;
  readonly type: FeedEvent['type'];
  readonly json: JsonText<FeedEvent>;
}

export function feedMessage<Type extends FeedEvent['type']>(
  cursor: number,
  type: Type,
  data: JsonText<FeedData<Type>>,
): FeedMessage {
  const members: { readonly [Name in 'cursor' | 'type' | 'data']: JsonText<unknown> } = {
    cursor: jsonText(cursor),
    type: jsonText(type),
    data,
  };
  return { cursor, type, json: String(objectText(members)) as JsonText<FeedEvent> };
}

/** As Server-Sent Events. */
export function sseText(messages: readonly FeedMessage[]): string {
  return messages.map(({ cursor, type, json }) => `id: ${cursor}\nevent: ${type}\ndata: ${json}\n\n`).join('');
}
