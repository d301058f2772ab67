import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../lib/log.ts';
import { reopenStorage } from '../storage/open-storage.ts';
import { Aborted } from './save/aborted.ts';
import type { Job, Outcome, WorkerStart } from './jobs.ts';
import { restoreTree } from './restore/restore-tree.ts';
import { saveArtifact } from './save/save-artifact.ts';
import { saveSnapshot } from './save/save-snapshot.ts';

/** A thread that reads and writes trees, so that it does not block the runner's main thread. */

if (parentPort === null) throw new Error('must be started as a worker thread');
const port = parentPort;
const { origin }: WorkerStart = workerData;
const opening = reopenStorage(origin);

port.on('message', (job: Job) => {
  run(job).then(
    (outcome) => port.postMessage(outcome),
    // A bug or broken I/O: end the thread. The runner logs the error.
    (error: unknown) =>
      process.nextTick(() => {
        throw error instanceof Error ? error : new Error(messageOf(error));
      }),
  );
});

async function run(job: Job): Promise<Outcome> {
  const { store, problem } = await opening;
  const checkAborted = (): void => {
    if (Atomics.load(job.abort, 0) !== 0) throw new Aborted();
  };
  if (problem !== null && store.id === '') {
    const { ok, detail } = await store.health();
    if (!ok) return { kind: job.kind, result: { ok: false, why: 'storage_unavailable', detail } };
  }
  if (job.kind === 'share') return { kind: 'share', result: await saveArtifact(store, job.input, checkAborted) };
  if (job.kind === 'save') return { kind: 'save', result: await saveSnapshot(store, job.input, checkAborted) };
  return { kind: 'restore', result: await restoreTree(store, job.input, checkAborted) };
}
