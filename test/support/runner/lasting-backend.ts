import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { ContainerExit, OwnContainer } from '../../../runner/backend/backend.ts';
import { ProcessBackend } from '../../../runner/backend/process-backend.ts';
import type { SessionFolders } from '../../../runner/lib/session-folders.ts';

/** Processes that outlive their runner, as containers do: the next one finds them with `list`. */
export class LastingBackend extends ProcessBackend {
  readonly #containers = new Map<string, OwnContainer>();
  #closed = new AbortController();

  override async start(key: PlacementKey, folders: SessionFolders) {
    const result = await super.start(key, folders);
    const container = { key, running: true };
    this.#containers.set(JSON.stringify(key), container);
    void super.wait(key).then(() => (container.running = false));
    return result;
  }

  override async wait(key: PlacementKey): Promise<ContainerExit> {
    const { signal } = this.#closed;
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('the runner let go')), { once: true });
    });
    return await Promise.race([super.wait(key), left]);
  }

  override async list(): Promise<OwnContainer[]> {
    return [...this.#containers.values()].map((container) => ({ ...container }));
  }

  override async remove(key: PlacementKey): Promise<void> {
    await super.remove(key);
    this.#containers.delete(JSON.stringify(key));
  }

  /** The runner lets go: what it waits for here is none of its business any more. */
  override async close(): Promise<void> {
    this.#closed.abort();
    this.#closed = new AbortController();
  }
}
