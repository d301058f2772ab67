import type { Requirements } from '../../durable/pool/core/placement.ts';
import { Clock } from './clock.ts';
import { jain, Measures } from './measures.ts';
import { Network } from './network.ts';
import type { Key, Surroundings } from './parts.ts';
import { PoolObject } from './pool-object.ts';
import { Random } from './random.ts';
import { Runner } from './runner.ts';
import { rushAt, type Scenario } from './scenario.ts';
import { SessionObject } from './session-object.ts';

/** The owner of the flood. */
export const FLOOD = 'flood';

const MINUTE = 60_000;
/** Between two reports of what a runner has counted: so many of all runners come in a second. */
const HEALTH_SECONDS = 15;
/** How long what has begun may take after the last arrival. */
const AFTERWARDS = 48 * 60 * MINUTE;

/** Everything in a simulated day, and what must hold in it. */
export class World implements Surroundings {
  readonly scenario: Scenario;
  readonly clock = new Clock();
  readonly random: Random;
  readonly network: Network;
  readonly measures = new Measures(() => this.clock.now);
  readonly pool: PoolObject;
  readonly #runners: readonly Runner[];
  readonly #sessions = new Map<string, SessionObject>();
  /** The containers that run, by session and epoch. */
  readonly #containers = new Map<string, string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = new Random(scenario.seed);
    this.network = new Network(this.clock, this.random, scenario);
    this.#runners = Array.from({ length: scenario.runners }, (_, at) => {
      return new Runner(this, `r${String(at).padStart(4, '0')}`, at % 10 === 0 ? { gpu: 'yes' } : {});
    });
    this.pool = new PoolObject(this, this.measures, this.#runners);
  }

  session(id: string): SessionObject {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Error(`there is no session ${id}`);
    return session;
  }

  /** A container has begun. */
  began({ session_id, epoch }: Key, runner: string): void {
    const key = `${session_id}/${epoch}`;
    const other = this.#containers.get(key);
    if (other !== undefined) this.measures.wrong.push(`${key} runs on ${other} and on ${runner}`);
    this.#containers.set(key, runner);
  }

  ended({ session_id, epoch }: Key): void {
    this.#containers.delete(`${session_id}/${epoch}`);
  }

  run(): Measures {
    this.#plan();
    this.clock.runUntil(this.scenario.day);
    // What has begun ends.
    for (let hours = 1; this.#isBusy() && this.clock.now < this.scenario.day + AFTERWARDS; hours++)
      this.clock.runUntil(this.scenario.day + hours * 60 * MINUTE);
    this.#judge();
    return this.measures;
  }

  #plan(): void {
    const { sessions, flood, day, flapping, deaths } = this.scenario;
    const rush = 14 / 24;
    for (let made = 0; made < sessions - flood; made++) {
      this.clock.after(this.#arrival() * day, () => this.#create(`s${made}`, this.#owner()));
    }
    for (let made = 0; made < flood; made++)
      this.clock.after(rush * day + this.random.between(0, MINUTE), () => this.#create(`f${made}`, FLOOD));
    for (const runner of this.#runners.slice(0, flapping.runners)) this.#flap(runner);
    for (let died = 0; died < deaths.machines; died++) {
      const runner = this.#runners[Math.floor(this.random.next() * this.#runners.length)];
      this.clock.after(this.random.next() * day, () => runner?.lose(this.random.exponential(deaths.away), true));
    }
    for (let at = 0; at < day; at += 1000)
      this.clock.after(at, () => this.pool.health(Math.round(this.#runners.length / HEALTH_SECONDS)));
    for (let at = MINUTE; at < day; at += MINUTE) this.clock.after(at, () => this.#sampleFairness());
  }

  /** When in the day a session comes, 0 to 1. */
  #arrival(): number {
    for (;;) {
      const part = this.random.next();
      if (this.random.next() * 1.9 < rushAt(part)) return part;
    }
  }

  /** A few owners have most of the sessions. */
  #owner(): string {
    return `o${Math.floor(this.scenario.owners * this.random.next() ** 3)}`;
  }

  #create(id: string, owner: string): void {
    const messages = 1 + Math.floor(this.random.exponential(this.scenario.messages - 1));
    const session = new SessionObject(this, id, owner, this.#requirements(), messages);
    this.#sessions.set(id, session);
    session.begin();
  }

  #requirements(): Requirements {
    const { memoryMb } = this.scenario;
    const kind = this.random.next();
    if (kind < 0.03) return { labels: { gpu: 'yes' } };
    if (kind < 0.08) return { ask: { cpus: null, memoryMb: memoryMb / 3 } };
    // A whole machine.
    if (kind < 0.081) return { ask: { cpus: null, memoryMb } };
    return {};
  }

  #flap(runner: Runner): void {
    const { every, away } = this.scenario.flapping;
    this.clock.after(this.random.exponential(every), () => {
      if (this.clock.now > this.scenario.day) return;
      runner.lose(this.random.exponential(away), false);
      this.#flap(runner);
    });
  }

  /** Of the owners that have sessions waiting: how alike what they have is. */
  #sampleFairness(): void {
    const waiting = new Set([...this.pool.waiting.values()].map(({ owner }) => owner));
    if (waiting.size < 2) return;
    this.measures.fairness.push(jain([...waiting].map((owner) => this.pool.byOwner.count(owner))));
  }

  #isBusy(): boolean {
    return this.measures.unsettled > 0 || this.pool.placed.size > 0 || this.pool.waiting.size > 0;
  }

  /** Nothing is lost: every message has ended, and no container and no place is left over. */
  #judge(): void {
    const { wrong } = this.measures;
    if (this.measures.unsettled > 0) wrong.push(`${this.measures.unsettled} messages have no end`);
    if (this.pool.placed.size > 0) wrong.push(`${this.pool.placed.size} places are still taken`);
    if (this.pool.waiting.size > 0) wrong.push(`${this.pool.waiting.size} sessions wait for ever`);
    if (this.#containers.size > 0) wrong.push(`${this.#containers.size} containers run that nobody wants`);
  }
}
