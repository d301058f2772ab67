import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { inBackground } from './background.ts';

/** Lines of so long a time are written together, milliseconds. */
const TOGETHER_MS = 20;
/** Lines that wait for so long are waited for no more: the call that was to write them was ended. Milliseconds. */
const GONE_MS = 1000;

interface Waiting {
  readonly lines: string[];
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What waits to be written, of all calls of this process; null: the next line is written at once. */
let waiting: Waiting | null = null;

/**
 * Writes a line of the access log. One that comes alone is written at once. In a rush, those after it go out together: to write one
 * costs more than all else that a small call does.
 */
export function writeAccessLine(c: Context<AppEnv>, line: string): void {
  // Elsewhere the platform keeps what is written by call.
  if (c.env.RUNTIME !== 'workerd') return console.log(line);
  const now = Date.now();
  if (waiting !== null && now < waiting.since + GONE_MS) {
    waiting.lines.push(line);
    return;
  }
  console.log([...(waiting?.lines ?? []), line].join('\n'));
  waiting = { lines: [], since: now };
  inBackground(c, writeLater(waiting));
}

async function writeLater(mine: Waiting): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS));
  if (waiting !== mine) return;
  waiting = null;
  if (mine.lines.length > 0) console.log(mine.lines.join('\n'));
}
