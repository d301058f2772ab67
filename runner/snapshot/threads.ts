import { Worker } from 'node:worker_threads';
import { messageOf, type Log } from '../lib/log.ts';
import type { StorageOrigin } from '../storage/storage-settings.ts';
import type { Job, Outcome, Work, WorkerStart } from './jobs.ts';

/** Concurrent jobs. One more is allowed for a job other than a save, because a person or an agent waits for it. */
const THREADS = 2;
const THREADS_WITH_URGENT = 3;
/** A thread without work ends after this time, milliseconds. */
const IDLE_MS = 30_000;
/** Limit of a thread's heap, MB. A tree of millions of files then ends the thread, not the runner. */
const HEAP_MB = 1024;

/** The job was not completed, because its thread ended. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
}

interface QueuedJob {
  work: Work;
  signal: AbortSignal;
  resolve: (outcome: Outcome) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  job: QueuedJob | undefined;
  idle: NodeJS.Timeout | undefined;
}

/** A pool of threads that save and restore. A thread starts when there is work and ends when it is idle. */
export class Threads {
  readonly #origin: StorageOrigin;
  readonly #log: Log;
  readonly #threads = new Set<Thread>();
  #queue: QueuedJob[] = [];
  #closed = false;

  constructor(origin: StorageOrigin, log: Log) {
    this.#origin = origin;
    this.#log = log;
  }

  /** @throws ThreadEnded */
  run(work: Work, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, signal, resolve, reject });
      this.#next();
    });
  }

  /** Ends all threads, whatever they are doing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next();
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #next(): void {
    if (this.#closed) for (const { reject } of this.#queue.splice(0)) reject(new ThreadEnded('The runner is ending'));
    const urgent = this.#queue.findIndex(({ work }) => work.kind !== 'save');
    const busy = [...this.#threads].filter(({ job }) => job !== undefined).length;
    if (busy >= (urgent === -1 ? THREADS : THREADS_WITH_URGENT)) return;
    const [queued] = this.#queue.splice(Math.max(0, urgent), 1);
    const thread = [...this.#threads].find(({ job }) => job === undefined);
    if (queued !== undefined) this.#assign(thread ?? this.#start(), queued);
  }

  #assign(thread: Thread, queued: QueuedJob): void {
    clearTimeout(thread.idle);
    const { signal, resolve, reject } = queued;
    const abort = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const onAbort = (): void => void Atomics.store(abort, 0, 1);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const cleanUp = (): void => signal.removeEventListener('abort', onAbort);
    thread.job = {
      ...queued,
      resolve: (outcome) => (cleanUp(), resolve(outcome)),
      reject: (error) => (cleanUp(), reject(error)),
    };
    thread.worker.ref();
    const job: Job = { ...queued.work, abort };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.worker.postMessage(job);
  }

  #start(): Thread {
    const worker = new Worker(new URL('snapshot-worker.ts', import.meta.url), {
      name: 'snapshots',
      workerData: { origin: this.#origin } satisfies WorkerStart,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const thread: Thread = { worker, job: undefined, idle: undefined };
    this.#threads.add(thread);
    worker.on('message', (outcome: Outcome) => {
      const { job } = thread;
      thread.job = undefined;
      worker.unref();
      thread.idle = setTimeout(() => {
        // Remove it first, so that it gets no job while it ends.
        this.#threads.delete(thread);
        void worker.terminate();
      }, IDLE_MS).unref();
      job?.resolve(outcome);
      this.#next();
    });
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
      const stack = error instanceof Error ? error.stack : undefined;
      this.#log.error('snapshot_thread_failed', { detail: messageOf(error), stack });
    });
    worker.on('exit', () => {
      clearTimeout(thread.idle);
      this.#threads.delete(thread);
      const why = cause === undefined ? 'The runner is ending' : messageOf(cause);
      thread.job?.reject(new ThreadEnded(why, { cause }));
      this.#next();
    });
    return thread;
  }
}
