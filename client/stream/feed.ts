import type { FeedEvent } from '../types.ts';
import { reconnecting, type ReconnectingOptions } from './follow.ts';
import type { StreamSource } from './connection.ts';
import { connectTo } from './sse.ts';

/**
 * Follows the owner's feed after a cursor, for ever, over as many connections as it takes. What came before a break does not come
 * again.
 */
export function followFeed(
  source: Pick<StreamSource, 'http' | 'silenceMs'>,
  options: ReconnectingOptions,
): AsyncGenerator<FeedEvent, never, undefined> {
  const connect = connectTo<FeedEvent>(source, (after) => `/api/v1/events?after=${after}`);
  return reconnecting(connect, options, (event, cursor) => {
    // From here on everything comes anew, from the beginning.
    if (event.type === 'feed.gap') return { cursor: 0, isGiven: true };
    const isNew = event.cursor > cursor || event.type === 'feed.live';
    return { cursor: Math.max(cursor, event.cursor), isGiven: isNew };
  });
}
