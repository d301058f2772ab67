import { Worker } from 'node:worker_threads';
import { messageOf, type Log } from '../lib/log.ts';
import type { StorageOrigin } from '../storage/storage-settings.ts';
import type { Job, Outcome, Work, WorkerStart } from './jobs.ts';

/** Jobs at once; and one more when something other than a save waits, for so does a person or an agent. */
const THREADS = 2;
const THREADS_WHEN_WAITED_FOR = 3;
/** A thread without work ends, milliseconds. */
const IDLE_MS = 30_000;
/** JavaScript's own memory, MB: a tree of millions of files ends the thread and not the runner. */
const HEAP_MB = 1024;

/** The job was not done: its thread ended. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
}

interface Waiting {
  work: Work;
  signal: AbortSignal;
  done: (outcome: Outcome) => void;
  failed: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  job: Waiting | undefined;
  idle: NodeJS.Timeout | undefined;
}

/** Threads that save and restore, started when there is work and ended when there is none. */
export class Threads {
  readonly #origin: StorageOrigin;
  readonly #log: Log;
  readonly #threads = new Set<Thread>();
  #queue: Waiting[] = [];
  #closed = false;

  constructor(origin: StorageOrigin, log: Log) {
    this.#origin = origin;
    this.#log = log;
  }

  /** @throws ThreadEnded */
  run(work: Work, signal: AbortSignal): Promise<Outcome> {
    return new Promise((done, failed) => {
      this.#queue.push({ work, signal, done, failed });
      this.#next();
    });
  }

  /** Ends them, whatever they are doing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next();
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #next(): void {
    if (this.#closed) for (const { failed } of this.#queue.splice(0)) failed(new ThreadEnded('The runner is ending'));
    const urgent = this.#queue.findIndex(({ work }) => work.kind !== 'save');
    const busy = [...this.#threads].filter(({ job }) => job !== undefined).length;
    if (busy >= (urgent === -1 ? THREADS : THREADS_WHEN_WAITED_FOR)) return;
    const [waiting] = this.#queue.splice(Math.max(0, urgent), 1);
    const thread = [...this.#threads].find(({ job }) => job === undefined);
    if (waiting !== undefined) this.#give(thread ?? this.#start(), waiting);
  }

  #give(thread: Thread, waiting: Waiting): void {
    clearTimeout(thread.idle);
    const { signal, done, failed } = waiting;
    const abort = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const onAbort = (): void => void Atomics.store(abort, 0, 1);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const over = (): void => signal.removeEventListener('abort', onAbort);
    thread.job = {
      ...waiting,
      done: (outcome) => (over(), done(outcome)),
      failed: (error) => (over(), failed(error)),
    };
    thread.worker.ref();
    const job: Job = { ...waiting.work, abort };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a thread, not a window
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
        // First, so that it is given nothing while it ends.
        this.#threads.delete(thread);
        void worker.terminate();
      }, IDLE_MS).unref();
      job?.done(outcome);
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
      thread.job?.failed(new ThreadEnded(why, { cause }));
      this.#next();
    });
    return thread;
  }
}
