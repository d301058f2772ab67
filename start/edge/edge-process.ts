import { startEdge, type Edge } from './edge.ts';
import { diskSentence } from './edge-disk.ts';
import { edgeCommand, type EdgeReport } from './edge-messages.ts';
import { waitForRunners } from './health.ts';

/**
 * The edge as a part of `npm start`: it serves until the command `stop`. It is a process of its own because a Ctrl-C
 * reaches the terminal's whole process group, and would end workerd before the runner has sent the rest of its events.
 */

/** Longest time for a runner to drain when `start` was killed and nobody else waits for it, milliseconds. */
const ORPHAN_MS = 20_000;

/** Between two looks whether workerd runs, milliseconds. */
const UP_MS = 2_000;

let edge: Promise<Edge> | undefined;
let looks: NodeJS.Timeout | undefined;
let stopping = false;

process.on('message', (message) => {
  const command = edgeCommand.parse(message);
  if (command.command === 'stop') {
    void stop();
    return;
  }
  edge = startEdge({
    ...command,
    onDisk(disk) {
      console.error(`edge: ${diskSentence(disk)}`);
      report({ report: 'disk', disk });
    },
  });
  edge.then(
    (serving) => {
      report({ report: 'serving', url: serving.url });
      looks = setInterval(() => void serving.up().catch(endForGood), UP_MS);
    },
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

/** workerd could not be started again. Without it there is no service, so whoever started this has to know. */
function endForGood(error: unknown): void {
  if (stopping) return;
  console.error(`edge: workerd does not start again: ${String(error)}`);
  process.exit(1);
}

async function stop(): Promise<void> {
  stopping = true;
  clearInterval(looks);
  const serving = await edge?.catch(() => undefined);
  await serving?.stop();
  process.exit(0);
}

function report(answer: EdgeReport): void {
  process.send?.(answer);
}
