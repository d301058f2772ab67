import { envelopeJson } from '../core/shown.ts';
import type { EventLog } from './tables/event-log.ts';
import { PAGE_UNITS } from './page.ts';

/**
 * A page of the log as JSON in UTF-8 `{"data":[…],"next_cursor":…,"last_seq":…}`, with the events as they were stored. `gap` names
 * events that were asked for and are pruned.
 *
 * @param seq of the newest event
 */
export function eventPage(log: EventLog, seq: number, after: number, limit: number): Uint8Array {
  const events = log.read(after, limit, PAGE_UNITS);
  const first = log.first();
  // A page of which all is pruned is followed by what is not.
  const last = events.at(-1)?.seq ?? Math.max(after, first - 1);
  const next = last < seq ? `"${last}"` : 'null';
  const gap = after < first - 1 ? `,"gap":{"from":${after + 1},"to":${first - 1}}` : '';
  const json = `{"data":[${events.map(envelopeJson).join(',')}],"next_cursor":${next},"last_seq":${seq}${gap}}`;
  // As text, one character beyond Latin-1 would double it on its way to the handler.
  return new TextEncoder().encode(json);
}
