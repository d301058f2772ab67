import type { OwnEvent, OwnPreviewType } from '../../../protocol/api/session/own-events.ts';

/** A stored event. `json` is its `data`: the JSON text exactly as it was written. */
export interface StoredEvent {
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly json: string;
}

/** A preview: broadcast, never stored. `preview` is the line as Claude Code wrote it, or the `data` of a preview of our own. */
export interface Preview {
  readonly time: number;
  readonly preview: string;
  /** Of our own. Absent: it is Claude Code's. */
  readonly type?: OwnPreviewType;
}

/** What viewers get: events and previews. */
export type StreamItem = StoredEvent | Preview;

/** The type of Claude Code's previews. */
const CLAUDE_PREVIEW = 'stream_event';

export const previewType = ({ type }: Preview): string => type ?? CLAUDE_PREVIEW;

/** The time that was written last. Events of one transaction have one time, and to write it costs as much as the rest of an envelope. */
let written = { time: Number.NaN, iso: '' };

function isoOf(time: number): string {
  if (written.time !== time) written = { time, iso: new Date(time).toISOString() };
  return written.iso;
}

/** A type of plain letters needs nothing written otherwise. A container may send any. */
const typeJson = (type: string) => (/^[\w.]+$/.test(type) ? `"${type}"` : JSON.stringify(type));

/** An event as sent over the wire. Claude Code's own JSON goes in byte for byte as it was written. */
export function envelopeJson({ seq, time, type, json }: StoredEvent): string {
  return `{"seq":${seq},"time":"${isoOf(time)}","type":${typeJson(type)},"data":${json}}`;
}

/** A preview as sent over the wire. It has no `seq`, because it is not stored. */
export function previewJson(one: Preview): string {
  return `{"time":"${new Date(one.time).toISOString()}","type":"${previewType(one)}","data":${one.preview}}`;
}

/**
 * An event in the seed's dialect. For Claude Code's events that is the message itself; for CC-Docker's own, `data` with
 * `type` added. The seed's own name for `child.result` is `child_result`.
 */
export function plainJson({ type, json }: Pick<StoredEvent, 'type' | 'json'>, own: boolean): string {
  if (!own) return json;
  const name = JSON.stringify(type === 'child.result' ? 'child_result' : type);
  return json === '{}' ? `{"type":${name}}` : `{"type":${name},${json.slice(1)}`;
}

/** Converts one of CC-Docker's own events to the form in which it is stored. */
export function ownEvent(seq: number, time: number, event: OwnEvent): StoredEvent {
  return { seq, time, type: event.type, json: JSON.stringify(event.data) };
}

/** Where a page of the log is: the events after a cursor, those just before one, or those from a time on (epoch milliseconds). */
export type EventPlace = { readonly after: number } | { readonly before: number } | { readonly since: number };
