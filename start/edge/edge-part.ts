import { once } from 'node:events';
import path from 'node:path';
import { edgeReport, type EdgeOrder } from './edge-messages.ts';
import { describeExit, killPart, partExit, rotateLog, startPart } from '../lib/part.ts';
import { shownPath } from '../lib/project.ts';
import { isRefused, type Refused } from '../lib/refused.ts';

/** How long it may take to end, milliseconds. */
const STOP_MS = 5000;

export interface EdgePart {
  readonly url: string;
  /** Resolves, with how it was, when it has ended. Only after `stop` was that wanted. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

export type EdgePartOptions = Omit<Extract<EdgeOrder, { order: 'start' }>, 'order'> & { log: string };

/** Starts the edge in a process of its own, and waits until it serves. */
export async function startEdgePart({ log, ...options }: EdgePartOptions): Promise<EdgePart | Refused> {
  rotateLog(log);
  const part = startPart(path.join(import.meta.dirname, 'edge-process.ts'), {}, log);
  const exit = partExit(part);
  const ended = exit.then((how) => {
    // One that was killed has left workerd behind.
    killPart(part);
    return `the edge ended ${describeExit(how, log)} (its log: ${shownPath(log)})`;
  });
  // That an order did not arrive shows by the exit.
  const send = (order: EdgeOrder) => part.connected && part.send(order, () => undefined);

  send({ order: 'start', ...options });
  const answer = await Promise.race([
    once(part, 'message').then(([message]) => edgeReport.parse(message)),
    ended.then((refused): Refused => ({ refused })),
  ]);
  if (isRefused(answer)) return answer;
  if (answer.report === 'failed') {
    send({ order: 'stop' });
    await exit;
    return { refused: `the edge could not start: ${answer.why.trim().split('\n').join(' ')}` };
  }
  return {
    url: answer.url,
    ended,
    async stop() {
      send({ order: 'stop' });
      const impatience = setTimeout(() => killPart(part), STOP_MS);
      await exit;
      clearTimeout(impatience);
    },
    kill: () => killPart(part),
  };
}
