import { envelopeJson, type EventPlace } from '../core/shown.ts';
import type { EventLog } from './tables/event-log.ts';
import { PAGE_UNITS } from './page.ts';

/**
 * A page of the log as JSON in UTF-8 `{"data":[…],"next_cursor":…,"prev_cursor":…,"last_seq":…}`, with the events as they were stored.
 * `gap` names events that were asked for and are pruned.
 *
 * @param seq of the newest event
 */
export function eventPage(log: EventLog, seq: number, place: EventPlace, limit: number): Uint8Array {
  const first = log.first();
  const after = 'after' in place ? place.after : 'since' in place ? log.firstSince(place.since) - 1 : null;
  const before = 'before' in place ? Math.min(place.before, seq + 1) : null;
  const events = after === null ? log.readBefore(before ?? 0, limit, PAGE_UNITS) : log.read(after, limit, PAGE_UNITS);
  // A page of which all is pruned is followed by what is not.
  const last = events.at(-1)?.seq ?? Math.max(after ?? (before ?? 0) - 1, first - 1);
  const begin = events[0]?.seq ?? last + 1;
  const next = last < seq ? `"${last}"` : 'null';
  const previous = begin > first ? `"${begin}"` : 'null';
  // Of what comes before a cursor, the page has all that there is once nothing is left before it.
  const asked = after ?? (begin > first ? first : 0);
  const gap = asked < first - 1 ? `,"gap":{"from":${asked + 1},"to":${first - 1}}` : '';
  const cursors = `"next_cursor":${next},"prev_cursor":${previous},"last_seq":${seq}`;
  // As text, one character beyond Latin-1 would double it on its way to the handler.
  return new TextEncoder().encode(`{"data":[${events.map(envelopeJson).join(',')}],${cursors}${gap}}`);
}
