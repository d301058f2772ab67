import { StorageUnavailable, type ObjectStore, type StoredObject } from '../../../runner/storage/object-store.ts';

/** A storage in memory, which can be made to fail. */
export class MemoryStore implements ObjectStore {
  readonly id = 'e2b0c5ae-4a9f-4a3e-9c1a-8f7d3f0c2a11';
  readonly kind = 'folder';
  readonly origin = { kind: 'folder', folder: '/nowhere' } as const;
  readonly objects = new Map<string, Buffer>();
  /** Of what was put, by key. */
  readonly times = new Map<string, number>();
  /** Milliseconds since 1970. */
  now = Date.now();
  puts = 0;
  /** Called before each put; what it throws is what the put fails with. */
  beforePut: (key: string, put: number) => void | Promise<void> = () => {};
  /** Called after each put. */
  afterPut: (key: string, put: number) => void = () => {};

  async put(key: string, body: Uint8Array): Promise<void> {
    this.puts += 1;
    const put = this.puts;
    await this.beforePut(key, put);
    this.objects.set(key, Buffer.from(body));
    this.times.set(key, this.now);
    this.afterPut(key, put);
  }

  async get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null> {
    const found = await Promise.resolve(this.objects.get(key));
    if (found === undefined) return null;
    return Buffer.from(range === undefined ? found : found.subarray(range.first, range.last + 1));
  }

  async has(key: string): Promise<boolean> {
    return await Promise.resolve(this.objects.has(key));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for (const [key, { length }] of this.objects)
      if (key.startsWith(prefix))
        yield await Promise.resolve({ key, size: length, modified: this.times.get(key) ?? 0 });
  }

  async remove(keys: readonly string[]): Promise<void> {
    await Promise.resolve();
    for (const key of keys) this.objects.delete(key);
  }

  async health() {
    return await Promise.resolve({ ok: true, detail: 'memory' });
  }

  close(): void {}

  /** Keys, sorted, by what they have in them. */
  keys(part: string): string[] {
    return [...this.objects.keys()].filter((key) => key.includes(part)).sort();
  }
}

export const down = () => new StorageUnavailable('the storage is down');
