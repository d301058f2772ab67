import type { Reason } from '../../protocol/reason.ts';
import type { Needs, Requirements } from '../../durable/pool/core/placement.ts';
import { advance } from '../../durable/session/core/machine.ts';
import { NEW_SESSION, type Limits } from '../../durable/session/core/state.ts';
import type { SessionEffect } from '../../durable/session/core/life/effect.ts';
import type { SessionInput } from '../../durable/session/core/life/input.ts';
import { nextDeadline } from '../../durable/session/core/life/deadlines.ts';
import type { RunnerPart, SessionPart, Surroundings } from './parts.ts';

/** A session's object: the state machine of `durable/session/core`, and the person who speaks to it. */
export class SessionObject implements SessionPart {
  readonly id: string;
  readonly owner: string;
  readonly #world: Surroundings;
  readonly #requires: Requirements;
  readonly #limits: Limits;
  #state = NEW_SESSION;
  #runner: RunnerPart | null = null;
  #home: string | null = null;
  #request: 'want' | 'release' | null = null;
  #asking = false;
  #left: number;
  #sent = 0;
  #alarm: number | null = null;

  constructor(world: Surroundings, id: string, owner: string, requires: Requirements, messages: number) {
    this.#world = world;
    this.id = id;
    this.owner = owner;
    this.#requires = requires;
    this.#left = messages;
    const { idle } = world.scenario;
    // The defaults of protocol/settings/edge-settings.ts and session/core/limits.ts.
    this.#limits = {
      startup: 120_000,
      idle,
      background: 3_600_000,
      crowded: 2000,
      attended: 3_600_000,
      lifetime: 3_600_000,
      turn: 3_600_000,
      interrupt: 30_000,
      retries: [1000, 5000, 20_000],
      hold: 0,
    };
  }

  begin(): void {
    this.#input({ on: 'created' });
    this.#prompt();
  }

  placed(epoch: number): void {
    this.#input({ on: 'placed', epoch });
  }

  /** The container's `claude` is ready. What an earlier one says is refused. */
  ready(epoch: number, runner: RunnerPart): void {
    const { container } = this.#state;
    if (epoch !== this.#state.epoch || container === 'none' || container === 'ending') return;
    this.#runner = runner;
    this.#home = runner.name;
    this.#input({ on: 'ready' });
  }

  ended(epoch: number, reason: Reason): void {
    if (epoch === this.#state.epoch) this.#runner = null;
    this.#input({ on: 'ended', epoch, reason });
  }

  crowded(crowded: boolean): void {
    this.#input({ on: 'crowded', epoch: this.#state.epoch, crowded });
  }

  #prompt(): void {
    this.#left -= 1;
    const message_id = `${this.id}.${this.#sent++}`;
    this.#world.measures.sent(message_id);
    this.#input({ on: 'prompted', message: { message_id, deadline: null }, delivery: 'queue' });
  }

  #input(input: SessionInput): void {
    this.#world.measures.sessionInput();
    const { state, effects } = advance(this.#state, input, this.#world.clock.now, this.#limits);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#setAlarm();
  }

  #carryOut(effect: SessionEffect): void {
    if (effect.do === 'want' || effect.do === 'release') {
      this.#request = effect.do;
      this.#askPool();
    } else if (effect.do === 'prompt') this.#hand(effect.message_id);
    else if (ENDS.has(effect.do) && 'message_id' in effect && effect.message_id !== null) {
      this.#world.measures.settled(effect.message_id, effect.do === 'message_completed');
      if (this.#left > 0)
        this.#world.clock.after(this.#world.random.exponential(this.#world.scenario.think), () => this.#prompt());
    }
  }

  #hand(messageId: string): void {
    const { epoch } = this.#state;
    const ms = Math.min(this.#world.random.lognormal(this.#world.scenario.turn, 1), 50 * 60_000);
    this.#runner?.prompt({ session_id: this.id, epoch }, ms, () => {
      if (this.#state.epoch !== epoch) return;
      const ended = { message_ids: [messageId], agent: false, run_id: null, outcome: { ok: true } } as const;
      this.#input({ on: 'turn_ended', ...ended });
    });
  }

  /** Asks until the pool has answered: `durable/session/container/place-request.ts`. */
  #askPool(): void {
    if (this.#asking || this.#request === null) return;
    this.#asking = true;
    const { epoch } = this.#state;
    const request = this.#request;
    const key = { session_id: this.id, epoch };
    const settle = () => {
      this.#asking = false;
      if (this.#state.epoch === epoch && this.#request === request) this.#request = null;
    };
    const failed = () => {
      this.#asking = false;
      this.#askPool();
    };
    const { network, pool } = this.#world;
    if (request === 'want') {
      network.call(
        () => pool.request(key, this.owner, this.#needs(), this.#requires),
        ({ runner }) => {
          settle();
          if (runner !== null) this.#input({ on: 'placed', epoch });
          else this.#input({ on: 'waiting', epoch, reason: { code: 'pool_full', detail: 'full' } });
          this.#askPool();
        },
        failed,
      );
    } else {
      network.call(
        () => pool.release(key),
        ({ ended }) => {
          settle();
          if (ended) this.ended(epoch, { code: 'stopped_by_user', detail: 'It had no container yet.' });
          this.#askPool();
        },
        failed,
      );
    }
  }

  /** Once it has run, its files are in the storage, and its last runner has a copy. */
  #needs(): Needs {
    return { on: 'storage', storage: this.#home === null ? null : 'shared', prefer: this.#home };
  }

  #setAlarm(): void {
    const at = nextDeadline(this.#state, this.#limits);
    if (at === null || (this.#alarm !== null && this.#alarm <= at && this.#alarm > this.#world.clock.now)) return;
    this.#alarm = at;
    this.#world.clock.after(at - this.#world.clock.now, () => {
      if (this.#alarm !== at) return;
      this.#alarm = null;
      this.#input({ on: 'clock' });
    });
  }
}

/** With one of these a message has ended. */
const ENDS: ReadonlySet<SessionEffect['do']> = new Set(['message_completed', 'message_failed', 'message_interrupted']);
