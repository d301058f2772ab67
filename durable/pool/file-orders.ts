import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { FilesOrder, Ordered } from '../rpc/pool-rpc.ts';
import { chooseRunner, type Needs, type RunnerChoice } from './core/placement.ts';
import type { PoolDependencies } from './dependencies.ts';
import { localOn, type PlacementQueue } from './placement-queue.ts';

/** Trees that one frame names at most. */
const MAX_TREES = 1000;

/** Jobs on files, which take no place: snapshots, transfers, and the removal of stored trees. */
export class FileOrders {
  readonly #deps: PoolDependencies;
  readonly #queue: PlacementQueue;

  constructor(deps: PoolDependencies, queue: PlacementQueue) {
    this.#deps = deps;
    this.#queue = queue;
  }

  /** The runner that an `order` would go to. */
  choose(sessionId: string, needs: Needs): RunnerChoice {
    return chooseRunner(this.#queue.loads(Date.now()), this.#needsNow(sessionId, needs));
  }

  order(needs: Needs, order: FilesOrder): Ordered {
    const { session_id } = order;
    const now = this.#needsNow(session_id, needs);
    const found = chooseRunner(this.#queue.loads(Date.now()), now);
    if ('detail' in found) return { sent: false, detail: found.detail };
    const { runner } = found;
    this.#deps.copies.add(session_id, runner);
    // A container may have been placed since the session asked. Then only its runner's copy is the newest.
    const local = now === needs ? localOn(runner, needs, order.files.local) : 'required';
    this.#deps.sockets.send(runner, { ...order, files: { ...order.files, local } });
    return { sent: true, runner };
  }

  orderStored(storage: string, order: FilesOrder): Ordered {
    const found = chooseRunner(this.#queue.loads(Date.now()), { on: 'storage', storage, prefer: null });
    if ('detail' in found) return { sent: false, detail: found.detail };
    this.#deps.sockets.send(found.runner, order);
    return { sent: true, runner: found.runner };
  }

  dropTrees(storage: string, owner: string, trees: readonly TreeName[]): boolean {
    const runner = this.#queue.loads(Date.now()).find((one) => one.connected && one.storage?.id === storage);
    if (runner !== undefined) this.#drop(runner.name, owner, trees);
    return runner !== undefined;
  }

  /** A runner asks which of the trees in its storage nobody needs. */
  async sweep(runner: string, owner: string, trees: readonly TreeName[]): Promise<void> {
    const directory = this.#directory(owner);
    // Another edge may use the same storage: trees of owners that are unknown here are not ours to drop.
    const unreferenced = directory === null ? [] : await directory.unreferenced(trees);
    this.#drop(runner, owner, unreferenced);
  }

  /** Sends at least one frame: a sweep is answered even if nothing is to be dropped. */
  #drop(runner: string, owner: string, trees: readonly TreeName[]): void {
    for (let first = 0; first === 0 || first < trees.length; first += MAX_TREES) {
      this.#deps.sockets.send(runner, { kind: 'drop', owner, trees: trees.slice(first, first + MAX_TREES) });
    }
  }

  /** The files of a session that has a container are on that container's runner, whatever the session knew when it asked. */
  #needsNow(sessionId: string, needs: Needs): Needs {
    const runner = this.#deps.places.of(sessionId)?.runner ?? null;
    return runner === null ? needs : { on: 'runner', runner };
  }

  #directory(owner: string) {
    const { DIRECTORY } = this.#deps.env;
    try {
      return DIRECTORY.get(DIRECTORY.idFromString(owner));
    } catch (error) {
      // An id of another edge's namespace is a TypeError.
      if (error instanceof TypeError) return null;
      throw error;
    }
  }
}
