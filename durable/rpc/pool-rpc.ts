import type { Refusal } from '../../protocol/api/problem.ts';
import type { RunnerView } from '../../protocol/api/runners.ts';
import type { PoolHealth } from '../../protocol/health.ts';
import type { Counts } from '../../protocol/metrics/registry.ts';
import type { Launch, PlacementKey, PoolFrame, TreeName } from '../../protocol/link/runner-control.ts';
import type { Needs, Placement } from '../pool/core/placement.ts';

export type { Needs } from '../pool/core/placement.ts';

/** A job on a session's files that takes no container. */
export type FilesOrder = Extract<PoolFrame, { kind: 'snapshot' | 'transfer' }>;

export type Ordered =
  | { readonly sent: true; readonly runner: string }
  | { readonly sent: false; readonly detail: string };

/** A runner enrols its key. */
export interface EnrolInput {
  readonly name: string;
  /** Its public key: the `x` of an Ed25519 JWK. */
  readonly key: string;
  /** Which code it was, and when that expires, epoch milliseconds. */
  readonly code: string;
  readonly expires: number;
}

/** Where a runner is: in another pool; or in the default one, with this key (null: none has enrolled under this name). */
export type RunnerHome = { readonly pool: string } | { readonly key: string | null };

/** A runner as its pool shows it: which pool that is, it does not know. */
export type RunnerOfPool = Omit<RunnerView, 'pool'>;

/** What an operator may have a runner do. */
export type RunnerChange = 'cordon' | 'uncordon' | 'drain';

/** What sessions and handlers may ask of a pool of runners. */
export interface PoolRpc extends Rpc.DurableObjectBranded {
  /** Asks for a container where the files allow it. The same (session, epoch) twice is one. */
  requestPlace(launch: Launch, needs: Needs): Promise<Placement>;
  /** A container is no longer wanted. `ended`: there is none, so no more will be heard of it. */
  releasePlace(key: PlacementKey): Promise<{ ended: boolean }>;
  /** The runner that an `order` would go to. */
  chooseRunner(sessionId: string, needs: Needs): { readonly runner: string } | { readonly detail: string };
  /** Sends a job on a session's files to a runner that has or can have them, if one is connected. */
  order(needs: Needs, order: FilesOrder): Ordered;
  /** Has something read out of a storage by any runner that sees it, wherever the session's own files are. */
  orderStored(storage: string, order: FilesOrder): Ordered;
  /**
   * Nothing refers to these trees any more. False: no runner of this pool sees the storage. If none of any pool does, a sweep finds them
   * later.
   */
  dropTrees(storage: string, owner: string, trees: readonly TreeName[]): boolean;
  /** Whether a session has, had or waits for a container, and is not deleted. */
  knows(sessionId: string): boolean;
  /** The session is deleted: its container ends and its files go, as soon as its runner can be reached. */
  forgetSession(sessionId: string): Promise<void>;
  /** Takes a runner's key, in place of any that it had. */
  enrol(input: EnrolInput): { enrolled: true } | Refusal;
  /** Of the default pool alone, which knows all names: a runner of this name is in that pool. A name is in one pool for good. */
  claimRunnerName(name: string, pool: string): { claimed: true } | Refusal;
  /** Of the default pool alone: where a runner is. */
  runnerHome(name: string): RunnerHome;
  /** The public key of a runner of this pool that has enrolled; null: none has under this name. */
  runnerKey(name: string): string | null;
  /** Every runner that has enrolled. */
  runners(): RunnerOfPool[];
  /** The operator has a runner take no sessions, leave those that it has, or take sessions again. */
  changeRunner(name: string, change: RunnerChange): Promise<RunnerOfPool | Refusal>;
  health(): PoolHealth;
  /** What connected runners have counted, by their names. */
  runnerMetrics(): Readonly<Record<string, Counts>>;
}
