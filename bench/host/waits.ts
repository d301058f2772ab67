import * as z from 'zod';

/** What the log of a session says of its containers: milliseconds. */
export interface Waits {
  /** When a place was asked for, since 1970. */
  readonly asked: number[];
  /** From the request for a place until a runner had it. */
  readonly queue: number[];
  /** From the request for a place until `claude` was ready. */
  readonly ready: number[];
}

const event = z.looseObject({
  time: z.string(),
  type: z.string(),
  data: z.looseObject({ status: z.string().optional() }),
});

/** Reads them off a whole log. @param created when the session was created: it asks for its first place then */
export function waitsOf(created: string, log: readonly unknown[]): Waits {
  const waits: Waits = { asked: [], queue: [], ready: [] };
  let asked: number | null = Date.parse(created);
  let isPlaced = false;
  for (const entry of log) {
    const { time, type, data } = event.parse(entry);
    if (type !== 'session.status') continue;
    const at = Date.parse(time);
    if (data.status === 'queued') {
      // It may say so twice, with another reason.
      if (asked === null) isPlaced = false;
      asked ??= at;
    } else if (asked !== null && data.status === 'starting' && !isPlaced) {
      waits.asked.push(asked);
      waits.queue.push(at - asked);
      isPlaced = true;
    } else if (asked !== null && (data.status === 'idle' || data.status === 'running')) {
      waits.ready.push(at - asked);
      asked = null;
    }
  }
  return waits;
}
