import { createLog } from '../../runner/lib/log.ts';

/** A log that keeps its lines, for tests to look at. */
export function keptLog() {
  const lines: string[] = [];
  return { lines, log: createLog('debug', (line) => lines.push(line)) };
}
