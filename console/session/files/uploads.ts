import { signal } from '@preact/signals';
import { CcDockerError, type Session } from '../../../client/main.ts';

/** A file on its way into the workspace. */
export interface Upload {
  readonly id: number;
  readonly path: string;
  readonly size: number;
  /** Bytes that are on their way. */
  readonly sent: number;
  readonly state: 'waiting' | 'sending' | 'done' | 'failed';
  readonly problem: string | null;
}

/** Files that are uploaded, one after the other: several at once would share the same line. */
export class Uploads {
  readonly list = signal<readonly Upload[]>([]);
  readonly #session: Session;
  readonly #done: () => void;
  readonly #stops = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();
  #id = 0;

  /** @param done a file is in the workspace */
  constructor(session: Session, done: () => void) {
    this.#session = session;
    this.#done = done;
  }

  /** @param path where it goes */
  add(path: string, file: File): void {
    const id = ++this.#id;
    this.list.value = [...this.list.value, { id, path, size: file.size, sent: 0, state: 'waiting', problem: null }];
    const stop = new AbortController();
    this.#stops.set(id, stop);
    this.#last = this.#last.then(() => this.#send(id, path, file, stop.signal));
  }

  /** Ends one, or takes it out of the list when it is over. */
  remove(id: number): void {
    this.#stops.get(id)?.abort();
    this.#stops.delete(id);
    this.list.value = this.list.value.filter((upload) => upload.id !== id);
  }

  async #send(id: number, path: string, file: File, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#change(id, { state: 'sending' });
    try {
      await this.#session.upload(path, file, { signal, onProgress: ({ sent }) => this.#change(id, { sent }) });
      this.#change(id, { state: 'done', sent: file.size });
      this.#done();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CcDockerError)) throw error;
      this.#change(id, { state: 'failed', problem: error.detail });
    } finally {
      this.#stops.delete(id);
    }
  }

  #change(id: number, change: Partial<Upload>): void {
    this.list.value = this.list.value.map((upload) => (upload.id === id ? { ...upload, ...change } : upload));
  }
}
