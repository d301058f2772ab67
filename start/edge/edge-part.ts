import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LogFile } from '../lib/log-file.ts';
import { runningProcess } from '../../runner/lib/process-identity.ts';
import { readIfThere } from '../lib/process-file.ts';
import { shownPath } from '../lib/project.ts';
import type { Refused } from '../lib/refused.ts';
import { processFileOf, startEdge, type Edge, type EdgeOptions } from './edge.ts';
import { WorkerdFailure } from './workerd/workerd.ts';

/** Longest wait for an earlier edge, milliseconds: a runner drains in less. */
const EARLIER_MS = 30_000;
const LOOK_MS = 100;

export type EdgePartOptions = Omit<EdgeOptions, 'log'> & {
  /** The file for its output. */
  log: string;
};

/** Starts the edge as a part of the service, with a log of its own. */
export async function startEdgePart({ log: file, ...options }: EdgePartOptions): Promise<Edge | Refused> {
  const log = new LogFile(file);
  log.begin();
  try {
    return await startEdge({ ...options, log });
  } catch (error) {
    if (!(error instanceof WorkerdFailure)) throw error;
    log.line(`edge: workerd does not start: ${error.message}`);
    return { refused: `the edge could not start: ${error.message} (its log: ${shownPath(file)})` };
  }
}

/** Where the edge's state is, in a service's data folder. */
export const edgeFolder = (dataFolder: string): string => path.join(dataFolder, 'edge');

/**
 * Waits for the edge of a start that was killed: it lives until its runner has handed over what the sessions said. Two on the same
 * state would overwrite each other's changes.
 */
export async function awaitEarlierEdge(
  dataFolder: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Refused | undefined> {
  const earlier = () => runningProcess(readIfThere(processFileOf(edgeFolder(dataFolder))) ?? '');
  const pid = earlier();
  if (pid === undefined) return undefined;
  say(`waiting for the edge of an earlier start (process ${pid}), whose runner still ends its containers`);
  const waited = AbortSignal.any([signal, AbortSignal.timeout(EARLIER_MS)]);
  while (!waited.aborted) {
    await delay(LOOK_MS, undefined, { signal: waited }).catch(() => undefined);
    if (earlier() === undefined) return undefined;
  }
  return {
    refused: `the edge of an earlier start (process ${pid}) still uses ${shownPath(dataFolder)}: end its runner, or that process`,
  };
}
