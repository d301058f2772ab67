import type { Reason } from '../../protocol/reason.ts';
import type { Needs, Requirements } from '../../durable/pool/core/placement.ts';
import type { Machine } from '../../durable/pool/core/room.ts';
import type { Clock } from './clock.ts';
import type { Measures } from './measures.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';

/** What the parts of the simulated world ask of each other. */

/** Names one container. */
export interface Key {
  readonly session_id: string;
  readonly epoch: number;
}

export interface RunnerPart {
  readonly name: string;
  readonly capacity: number;
  readonly machine: Machine;
  readonly labels: Readonly<Record<string, string>>;
  /** A frame of the pool. One that comes while the runner is away is lost: the pool says it again after `hello`. */
  receive(frame: { readonly kind: 'launch' | 'stop'; readonly key: Key }): void;
  /** The message of a session reaches its container. */
  prompt(key: Key, turnMs: number, ended: () => void): void;
}

export interface SessionPart {
  placed(epoch: number): void;
  /** The container's `claude` is ready. */
  ready(epoch: number, runner: RunnerPart): void;
  ended(epoch: number, reason: Reason): void;
  crowded(crowded: boolean): void;
}

export interface PoolPart {
  request(key: Key, owner: string, needs: Needs, requires: Requirements): { runner: string | null };
  release(key: Key): { ended: boolean };
  started(runner: string, key: Key): void;
  /** The runner says so until the pool has told the session, and acknowledges it. */
  ended(runner: string, key: Key, reason: Reason, acknowledge: () => void): void;
  hello(runner: string, running: readonly Key[]): { wanted: readonly Key[] };
  /** The runner's connection is gone. */
  lost(runner: string): void;
}

/** What each part finds around it. */
export interface Surroundings {
  readonly scenario: Scenario;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly measures: Measures;
  readonly pool: PoolPart;
  session(id: string): SessionPart;
  /** A container has begun, or ended. */
  began(key: Key, runner: string): void;
  ended(key: Key): void;
}
