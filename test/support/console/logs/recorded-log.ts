import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PreviewEvent, SessionEvent } from '../../../../client/main.ts';

/**
 * Logs of the real service and the real `claude` (2.1.330) on the demo model, as `GET /events` gave them, without what is long or names a
 * machine. `turns`: tools, a subagent, background work, failures, steering, an interrupt, an image, `/clear`. `previews`: a stream with
 * previews, from its beginning.
 */
export function recordedLog(name: 'turns' | 'previews'): (SessionEvent | PreviewEvent)[] {
  const text = readFileSync(path.join(import.meta.dirname, `${name}.jsonl`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SessionEvent | PreviewEvent);
}

/** The same log again and again, numbered on, until it has so many events. Ids are made anew each time. */
export function longLog(count: number): SessionEvent[] {
  const once = recordedLog('turns') as (SessionEvent & { seq: number })[];
  const text = JSON.stringify(once);
  const all: SessionEvent[] = [];
  for (let round = 0; all.length < count; round += 1) {
    // Every id of theirs ends in letters of a UUID, or of a tool.
    const again = text.replaceAll(/01a22d2\d-/g, (id) => `${id}${round}-`).replaceAll('toolu_', `toolu_${round}_`);
    for (const event of JSON.parse(again) as SessionEvent[])
      all.push({ ...event, seq: all.length + 1 } as SessionEvent);
  }
  return all.slice(0, count);
}
