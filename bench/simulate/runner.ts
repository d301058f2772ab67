import type { Reason } from '../../protocol/reason.ts';
import type { Machine } from '../../durable/pool/core/room.ts';
import type { Key, RunnerPart, Surroundings } from './parts.ts';

type Frame = { readonly kind: 'launch' | 'stop'; readonly key: Key };

interface Container {
  readonly key: Key;
  ready: boolean;
}

const idOf = ({ session_id, epoch }: Key) => `${session_id}/${epoch}`;
const STOPPED: Reason = { code: 'stopped_by_user', detail: 'stopped' };
const GONE: Reason = { code: 'container_exited', detail: 'its machine ended' };

/** A runner, with containers that start and work. What it says waits while it is away, and is said when it is back. */
export class Runner implements RunnerPart {
  readonly name: string;
  readonly capacity: number;
  readonly machine: Machine;
  readonly labels: Readonly<Record<string, string>>;
  readonly #world: Surroundings;
  readonly #containers = new Map<string, Container>();
  /** Ends that the pool has not acknowledged. */
  readonly #ends = new Map<string, { readonly key: Key; readonly reason: Reason }>();
  #connected = true;
  /** What containers have said while it was away. */
  #unsaid: (() => void)[] = [];

  constructor(world: Surroundings, name: string, labels: Readonly<Record<string, string>>) {
    const { places, memoryMb, cpus } = world.scenario;
    this.#world = world;
    this.name = name;
    this.labels = labels;
    this.capacity = places;
    this.machine = { total: { cpus, memoryMb }, limit: { cpus, memoryMb } };
  }

  get running(): readonly Key[] {
    return [...this.#containers.values()].map(({ key }) => key);
  }

  /** A frame of the pool. One that comes while the runner is away is lost: the pool says it again after `hello`. */
  receive(frame: Frame): void {
    if (!this.#connected) return;
    this.#world.clock.after(this.#world.network.delay(), () => {
      if (!this.#connected) return;
      if (frame.kind === 'launch') this.#launch(frame.key);
      else this.#stop(frame.key);
    });
  }

  /** The message of a session reaches its container. */
  prompt(key: Key, turnMs: number, ended: () => void): void {
    const container = this.#containers.get(idOf(key));
    if (container === undefined) return;
    this.#world.clock.after(turnMs, () => {
      if (this.#containers.get(idOf(key)) === container) this.#say(ended);
    });
  }

  /** The connection is gone for a while. `dies`: the machine as well, with all that runs there. */
  lose(ms: number, dies: boolean): void {
    if (!this.#connected) return;
    this.#connected = false;
    if (dies) {
      for (const { key } of this.#containers.values()) this.#world.ended(key);
      this.#containers.clear();
      this.#unsaid = [];
    }
    this.#world.clock.after(this.#world.network.delay(), () => this.#world.pool.lost(this.name));
    this.#world.clock.after(ms, () => this.#comeBack());
  }

  #comeBack(): void {
    this.#connected = true;
    this.#world.clock.after(this.#world.network.delay(), () => {
      if (!this.#connected) return;
      const { wanted } = this.#world.pool.hello(this.name, this.running);
      const keep = new Set(wanted.map(idOf));
      for (const { key } of this.#containers.values()) if (!keep.has(idOf(key))) this.#end(key, STOPPED);
      for (const { key, reason } of this.#ends.values()) this.#report(key, reason);
      const said = this.#unsaid;
      this.#unsaid = [];
      for (const say of said) this.#say(say);
    });
  }

  #launch(key: Key): void {
    // The same launch twice is one container.
    if (this.#containers.has(idOf(key)) || this.#ends.has(idOf(key))) return;
    const container: Container = { key, ready: false };
    this.#containers.set(idOf(key), container);
    this.#world.began(key, this.name);
    this.#say(() => this.#world.pool.started(this.name, key));
    const { least, most } = this.#world.scenario.start;
    this.#world.clock.after(this.#world.random.between(least, most), () => {
      if (this.#containers.get(idOf(key)) !== container) return;
      this.#say(() => this.#world.session(key.session_id).ready(key.epoch, this));
    });
  }

  #stop(key: Key): void {
    if (!this.#containers.has(idOf(key))) {
      if (!this.#ends.has(idOf(key))) this.#report(key, GONE);
      return;
    }
    this.#world.clock.after(this.#world.random.between(300, 2000), () => this.#end(key, STOPPED));
  }

  #end(key: Key, reason: Reason): void {
    if (!this.#containers.delete(idOf(key))) return;
    this.#world.ended(key);
    this.#report(key, reason);
  }

  #report(key: Key, reason: Reason): void {
    this.#ends.set(idOf(key), { key, reason });
    this.#say(() => this.#world.pool.ended(this.name, key, reason, () => this.#ends.delete(idOf(key))));
  }

  /** Says something, after all that was said before. */
  #say(what: () => void): void {
    this.#world.clock.after(this.#world.network.delay(), () => {
      if (this.#connected) what();
      else this.#unsaid.push(what);
    });
  }
}
