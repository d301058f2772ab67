import { envelopeJson, type EventLog } from './tables/event-log.ts';

/** Characters of a page of events. */
const PAGE_SIZE = 4 * 1024 * 1024;

/**
 * A page of the log as JSON text `{"data":[…],"next_cursor":…,"last_seq":…}`, with the events as they were stored. `gap` names
 * events that were asked for and are pruned.
 *
 * @param seq of the newest event
 */
export function eventPage(log: EventLog, seq: number, after: number, limit: number): string {
  const events = log.read(after, limit, PAGE_SIZE);
  const last = events.at(-1)?.seq ?? after;
  const next = last < seq ? `"${last}"` : 'null';
  const first = log.first();
  const gap = after < first - 1 ? `,"gap":{"from":${after + 1},"to":${first - 1}}` : '';
  return `{"data":[${events.map(envelopeJson).join(',')}],"next_cursor":${next},"last_seq":${seq}${gap}}`;
}
