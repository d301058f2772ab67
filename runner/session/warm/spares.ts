import { mkdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import { waitAtMost } from '../../lib/wait-at-most.ts';
import type { ContainerDependencies } from '../container/container-sockets.ts';
import type { Claimed, ClaimRequest } from './claim-request.ts';
import { finishClaims } from './claim-folders.ts';
import { differs, unclaimable } from './fits.ts';
import { matched } from './matched.ts';
import { profileOf, type Profile } from './profile.ts';
import { Spare } from './spare.ts';
import { sparesWanted, type Room } from './wanted.ts';

export interface SparesOptions {
  readonly dependencies: ContainerDependencies;
  readonly sessions: string;
  /** The folder that has a folder for each spare. */
  readonly spares: string;
  /** `WARM_SESSIONS`. */
  readonly setting: number;
  readonly capacity: number;
  readonly machine: Room['machine'];
  /** Limits of the containers that the runner has, or is about to have. */
  readonly live: () => readonly (Resources | null)[];
  /** It takes no launches, or its engine or disk does not allow any. */
  readonly closed: () => boolean;
  /** What a spare is made for before any session has come. */
  readonly plain: () => Promise<Profile>;
  /** How many wait has changed. */
  readonly onCount: () => void;
  readonly times?: Partial<typeof TIMES>;
}

/** Milliseconds. */
const TIMES = {
  /** After a start: its first turn needs the processors. */
  refill: 3_000,
  /** A spare is replaced at this age. */
  renew: 3_600_000,
  /** Between two looks at what may have changed. */
  look: 15_000,
  /** After a spare that did not start; twice as long after each further one. */
  retry: 5_000,
  mostRetry: 600_000,
};

/** Longest wait of a session for the end of spares whose room it takes, milliseconds. */
const END_MS = 2_000;

interface Wanted {
  readonly profile: Profile;
  /** The last session that was so; null: none has come yet. */
  readonly like: string | null;
}

/** The spares of a runner: as many as there is room for, made for the sessions that came last. */
export class Spares {
  readonly #options: SparesOptions;
  readonly #times: typeof TIMES;
  readonly #spares = new Set<Spare>();
  readonly #ends = new Set<Promise<void>>();
  /** What the last sessions that could have had a spare were, the newest first. */
  #recent: Wanted[] = [];
  /** How many wait, as it was said last. */
  #parked = -1;
  #failures = 0;
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #isOn = false;

  constructor(options: SparesOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
  }

  /** Ends what an earlier runner process began to claim. Before anything looks at the sessions' files. */
  async recover(): Promise<void> {
    await finishClaims(this.#options.spares, this.#options.sessions);
  }

  /** Begins to keep spares. Those of an earlier runner process are gone. */
  async start(): Promise<void> {
    const { spares, setting, plain, dependencies } = this.#options;
    await removeFolder(spares);
    if (setting === 0) return this.#report();
    if (dependencies.backend.spares === undefined) {
      dependencies.log.warn('WARM_SESSIONS has no effect: every session starts cold', {
        backend: dependencies.backend.name,
      });
      return;
    }
    await mkdir(spares, { recursive: true, mode: 0o700 });
    this.#recent = [{ profile: await plain(), like: null }];
    this.#isOn = true;
    this.#look = setInterval(() => this.adjust(), this.#times.look);
    this.adjust();
  }

  /** A session's container is to be started: takes a spare in its place. Undefined: none fits, or it could not be claimed. */
  async claim(request: ClaimRequest): Promise<Claimed | undefined> {
    if (!this.#isOn) return undefined;
    const never = unclaimable(request);
    const profile = profileOf(request);
    if (never === null) this.#remember({ profile, like: request.key.session_id });
    const spare = never === null ? this.#take(profile) : undefined;
    this.#notBefore = Math.max(this.#notBefore, performance.now() + this.#times.refill);
    // A session that starts cold needs the room.
    this.adjust();
    if (spare === undefined) {
      this.#count(never ?? (this.#spares.size === 0 ? 'none' : 'other'));
      await waitAtMost(Promise.all(this.#ends), END_MS);
      return undefined;
    }
    const claimed = await spare.claim(request);
    this.#notBefore = Math.max(this.#notBefore, performance.now() + this.#times.refill);
    this.adjust();
    if ('spare' in claimed) {
      this.#count('claimed');
      return claimed;
    }
    this.#count('failed');
    const { log } = this.#options.dependencies;
    log.warn('a spare could not be claimed: the session starts cold', { session: request.key.session_id, ...claimed });
    return undefined;
  }

  /** Something has changed that decides how many spares there may be. */
  adjust(): void {
    if (!this.#isOn) return;
    const { setting, capacity, machine, live, closed } = this.#options;
    const [newest] = this.#recent;
    const room = {
      setting,
      capacity,
      machine,
      live: live(),
      closed: closed(),
      spare: newest?.profile.resources ?? null,
    };
    const wanted = sparesWanted(room);
    const now = performance.now();
    const targets = Array.from({ length: wanted }, (_, index) => this.#recent[index % this.#recent.length]);
    const old = [...this.#spares].filter(({ began }) => now - began >= this.#times.renew);
    const { surplus, missing } = matched(
      targets.flatMap((target) => target ?? []),
      [...this.#spares].filter((spare) => !old.includes(spare)),
    );
    const replaceable = [...old, ...surplus];
    // One that was made for other sessions stays until another one can take its place: it may still be claimed.
    const going = now >= this.#notBefore ? replaceable : replaceable.slice(0, Math.max(0, this.#spares.size - wanted));
    for (const spare of going) this.#end(spare);
    this.#report();
    if (missing.length > 0) this.#startLater(missing[0]);
  }

  /** Ends all, and makes no more. Resolves when none is left, or the engine does not answer. */
  async close(): Promise<void> {
    this.#isOn = false;
    clearTimeout(this.#timer);
    clearInterval(this.#look);
    for (const spare of this.#spares) this.#end(spare);
    await Promise.all(this.#ends);
  }

  #remember(wanted: Wanted): void {
    const others = this.#recent.filter(({ profile }) => differs(profile, wanted.profile) !== null);
    this.#recent = [wanted, ...others].slice(0, Math.max(1, this.#options.setting));
  }

  /** Nobody else gets it. One whose `claude` waits comes before one that is starting. */
  #take(profile: Profile): Spare | undefined {
    const fitting = [...this.#spares].filter((spare) => differs(spare.profile, profile) === null);
    const spare = fitting.find(({ isParked }) => isParked) ?? fitting[0];
    if (spare !== undefined) this.#spares.delete(spare);
    return spare;
  }

  #startLater(wanted: Wanted | undefined): void {
    clearTimeout(this.#timer);
    const wait = this.#notBefore - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.adjust(), wait);
    else if (wanted !== undefined && [...this.#spares].every(({ isParked }) => isParked)) this.#startOne(wanted);
  }

  #startOne({ profile, like }: Wanted): void {
    const { dependencies, spares } = this.#options;
    const { log } = dependencies;
    const spare: Spare = new Spare({
      dependencies,
      spares,
      profile,
      onParked: () => {
        const ms = Math.round(performance.now() - spare.began);
        log.info('a spare waits', { spare: spare.id, ms, ...(like !== null && { like }) });
        this.#failures = 0;
        this.adjust();
      },
      onGone: (why) => {
        log.warn('a spare has ended', { spare: spare.id, why });
        this.#failed(profile);
        this.#end(spare);
        this.adjust();
      },
    });
    this.#spares.add(spare);
    this.#report();
  }

  #failed(profile: Profile): void {
    const wait = Math.min(this.#times.retry * 2 ** this.#failures, this.#times.mostRetry);
    this.#failures += 1;
    this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
    // Its image may be gone.
    if (this.#recent.length > 1)
      this.#recent = this.#recent.filter((known) => differs(known.profile, profile) !== null);
  }

  #end(spare: Spare): void {
    this.#spares.delete(spare);
    const end = this.#remove(spare).finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }

  /** As often as it takes: the engine may be away. The next runner process removes what is left of this one's. */
  async #remove(spare: Spare): Promise<void> {
    for (;;) {
      try {
        return await spare.end();
      } catch (error) {
        this.#options.dependencies.log.warn('spare not removed', { spare: spare.id, error });
        if (!this.#isOn) return;
        await pause(this.#times.look, undefined, { ref: false });
      }
    }
  }

  #count(outcome: string): void {
    runnerMetrics.count('cc_docker_runner_warm_starts_total', { outcome });
  }

  #report(): void {
    const parked = [...this.#spares].filter(({ isParked }) => isParked).length;
    if (parked === this.#parked) return;
    this.#parked = parked;
    runnerMetrics.set('cc_docker_runner_spares', {}, parked);
    this.#options.onCount();
  }
}
