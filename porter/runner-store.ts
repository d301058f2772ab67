import { buffer } from 'node:stream/consumers';
import { REQUEST_HEADER, STORE_PATH, storedObjects, type StoreRequest } from '../protocol/link/porter.ts';
import type { BackendHealth } from '../protocol/link/runner-control.ts';
import { StorageUnavailable, type ObjectStore, type StoredObject } from '../runner/storage/object-store.ts';
import type { StorageOrigin } from '../runner/storage/storage-settings.ts';
import type { RunnerLine } from './runner-line.ts';

/** The session's shuttle, which the runner keeps: over the line to it. */
export class RunnerStore implements ObjectStore {
  readonly kind = 'folder';
  readonly #line: Pick<RunnerLine, 'stream'>;
  #id = '';

  constructor(line: Pick<RunnerLine, 'stream'>) {
    this.#line = line;
  }

  get id(): string {
    return this.#id;
  }

  get origin(): StorageOrigin {
    throw new Error('no other thread can open the store of a runner');
  }

  /** Learns its id. @throws StorageUnavailable */
  async open(): Promise<void> {
    this.#id = (await this.#ask({ op: 'id' })).body.toString();
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    const { status } = await this.#ask({ op: 'put', key }, body);
    if (status !== 200) throw new Error(`the runner does not take an object of ${body.length} bytes`);
  }

  async get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null> {
    const { status, body } = await this.#ask({ op: 'get', key, ...(range && { range }) });
    return status === 404 ? null : body;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#ask({ op: 'has', key })).status === 200;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const { body } = await this.#ask({ op: 'list', prefix });
    yield* storedObjects.parse(JSON.parse(body.toString()));
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#ask({ op: 'remove', key });
  }

  async health(): Promise<BackendHealth> {
    return { ok: true, detail: 'the runner has it' };
  }

  close(): void {}

  /** @throws StorageUnavailable when no answer comes */
  async #ask(request: StoreRequest, body: Uint8Array = Buffer.alloc(0)): Promise<{ status: number; body: Buffer }> {
    const stream = this.#line.stream(STORE_PATH, {
      [REQUEST_HEADER]: JSON.stringify(request),
      'content-length': String(body.length),
    });
    if (stream === undefined) throw new StorageUnavailable('there is no connection to the runner');
    let status = 0;
    stream.once('response', (headers) => (status = Number(headers[':status'])));
    stream.end(body);
    try {
      const answer = await buffer(stream);
      if (status === 0 || stream.aborted || stream.rstCode !== 0) throw new Error('the runner closed the stream');
      return { status, body: answer };
    } catch (error) {
      throw new StorageUnavailable('the runner did not answer', { cause: error });
    }
  }
}
