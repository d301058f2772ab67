import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../lib/log.ts';
import { reopenStorage } from '../storage/open-storage.ts';
import { GivenUp } from './save/given-up.ts';
import type { Job, Outcome, WorkerStart } from './jobs.ts';
import { restoreTree } from './restore/restore-tree.ts';
import { saveArtifact } from './save/save-artifact.ts';
import { saveSnapshot } from './save/save-snapshot.ts';

/** The thread that reads and writes trees, so that the runner's own goes on meanwhile. */

if (parentPort === null) throw new Error('is started as a worker thread');
const port = parentPort;
const { origin }: WorkerStart = workerData;
const opening = reopenStorage(origin);

port.on('message', (job: Job) => {
  run(job).then(
    (outcome) => port.postMessage(outcome),
    // A bug, or a machine in trouble: ends the thread, and is in the runner's log.
    (error: unknown) =>
      process.nextTick(() => {
        throw error instanceof Error ? error : new Error(messageOf(error));
      }),
  );
});

async function run(job: Job): Promise<Outcome> {
  const { store, problem } = await opening;
  const proceed = (): void => {
    if (Atomics.load(job.abort, 0) !== 0) throw new GivenUp();
  };
  if (problem !== null && store.id === '') {
    const { ok, detail } = await store.health();
    if (!ok) return { kind: job.kind, result: { ok: false, why: 'storage_unavailable', detail } };
  }
  if (job.kind === 'share') return { kind: 'share', result: await saveArtifact(store, job.input, proceed) };
  if (job.kind === 'save') return { kind: 'save', result: await saveSnapshot(store, job.input, proceed) };
  return { kind: 'restore', result: await restoreTree(store, job.input, proceed) };
}
