import { startEdge, type Edge } from './edge.ts';
import { edgeOrder, type EdgeReport } from './edge-messages.ts';
import { waitForRunners } from './health.ts';

/**
 * The edge as a part of `npm start`: it serves until it is told to stop. It has a process of its own because a Ctrl-C
 * reaches the whole group of the terminal, and would end workerd before the runner has handed over what it still has.
 */

/** How long a runner may take to drain when `start` was killed and nobody waits for it, milliseconds. */
const ORPHAN_MS = 20_000;

let edge: Promise<Edge> | undefined;

process.on('message', (message) => {
  const order = edgeOrder.parse(message);
  if (order.order === 'stop') {
    void stop();
    return;
  }
  edge = startEdge(order);
  edge.then(
    ({ url }) => report({ report: 'serving', url }),
    (error: unknown) => report({ report: 'failed', why: error instanceof Error ? error.message : String(error) }),
  );
});

process.once('disconnect', () => void orphaned());

async function orphaned(): Promise<void> {
  const serving = await edge?.catch(() => undefined);
  if (serving !== undefined)
    await waitForRunners(serving.url, (runners) => runners === 0, AbortSignal.timeout(ORPHAN_MS));
  await stop();
}

async function stop(): Promise<void> {
  const serving = await edge?.catch(() => undefined);
  await serving?.stop();
  process.exit(0);
}

function report(answer: EdgeReport): void {
  process.send?.(answer);
}
