import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../bench/simulate/random.ts';
import { atMost } from '../test/support/patience.ts';
import { violationsOf } from './check.ts';
import { makeFault } from './faults.ts';
import { LoadedSession } from './load.ts';
import { isKill, planOf, type Fault, type FaultKind } from './plan.ts';
import type { Refusal, RunRecord } from './records.ts';
import { World, type EngineOfRun } from './world/world.ts';

/** When nothing is seen for this long, milliseconds, the next fault comes all the same: the one before may be why. */
const MOST_WAIT_MS = 10_000;
/** When nothing breaks any more, each session completes a message within this, milliseconds. */
const REST_MS = atMost(180);
/** What is deleted is gone after this, milliseconds. */
const GRACE_MS = atMost(30);

export interface RunOptions {
  readonly seed: number;
  readonly kills: number;
  readonly sessions: number;
  readonly kinds: readonly FaultKind[];
  /** Events between two faults, on average. */
  readonly every: number;
  /** How probable it is that a fault comes together with the one before. */
  readonly together: number;
  /** The engine on which the sessions run; absent: they are processes of this machine. */
  readonly engine?: EngineOfRun | undefined;
  /** These faults, instead of those that follow from the seed. */
  readonly replay?: readonly Fault[] | undefined;
  /** Ends the run before its time: what it began is ended with it. */
  readonly signal?: AbortSignal | undefined;
  /** Gets a line for each fault. */
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly violations: readonly string[];
  /** The faults that hit something, in their order. */
  readonly schedule: readonly Fault[];
  readonly kills: number;
  readonly events: number;
  readonly messages: number;
  /** Messages by how they ended. */
  readonly ends: ReadonlyMap<string, number>;
  /** Calls that were refused and made again, by the code. */
  readonly refused: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** What the parts have written. */
  readonly logs: string;
}

/** Breaks a loaded service as the seed says, lets it come to rest, and checks what was promised. @throws when its signal aborts */
export async function runChaos(options: RunOptions): Promise<RunResult> {
  const { seed, sessions, kinds, engine, say } = options;
  const began = performance.now();
  const world = await World.open({ seed, kinds, engine });
  try {
    const seen = new EventCount();
    const refusals: Refusal[] = [];
    const cc = await world.client('chaos');
    const random = new Random(seed);
    const loaded = await Promise.all(
      Array.from({ length: sessions }, () =>
        LoadedSession.begin(cc, new Random(random.next() * 2 ** 32), {
          onEvent: seen.more,
          onRefusal: (refusal) => void refusals.push(refusal),
        }),
      ),
    );
    const ended = new AbortController();
    for (const session of loaded) session.work(ended.signal);
    const schedule = await breakIt(world, options, seen);
    ended.abort();
    say('the service comes to rest');
    const result = async (found: Pick<RunResult, 'violations' | 'events' | 'messages' | 'ends'>) => ({
      ...found,
      schedule,
      kills: schedule.filter(({ kind }) => isKill(kind)).length,
      refused: countBy(refusals, ({ code }) => code),
      seconds: (performance.now() - began) / 1000,
      logs: await world.logs(),
    });
    const restMs = REST_MS + (world.clock?.behindMs ?? 0);
    const stuck = (await Promise.all(loaded.map((session) => session.finish(restMs)))).filter((one) => one !== null);
    if (stuck.length > 0) {
      const violations = stuck.map((one) => `it came to no rest: ${one}`);
      return await result({ violations, events: seen.count, messages: 0, ends: new Map() });
    }
    const records = await Promise.all(loaded.map((session) => session.record(world)));
    for (const session of loaded) await session.remove();
    return await result(summary({ sessions: records, refusals, left: await leftOver(world) }));
  } finally {
    await world.close();
  }
}

/** Makes the faults, one after the other. One that lasts may not be over when the next one comes, unless that is of its kind. @returns those that hit something */
async function breakIt(world: World, options: RunOptions, seen: EventCount): Promise<Fault[]> {
  const { seed, kills, kinds, every, together, replay, say, signal } = options;
  const made: Fault[] = [];
  const lasting = new Map<FaultKind, Promise<unknown>>();
  const killed = () => made.filter(({ kind }) => isKill(kind)).length;
  const make = async (fault: Fault) => {
    await seen.after(fault.afterEvents, MOST_WAIT_MS);
    await lasting.get(fault.kind);
    signal?.throwIfAborted();
    const hit = await makeFault(world, fault);
    if (hit === null) return;
    lasting.set(fault.kind, hit.over);
    made.push(fault);
    say(`${String(killed()).padStart(5)}  after event ${seen.count}: ${hit.what}`);
  };
  if (replay !== undefined) for (const fault of replay) await make(fault);
  // A fault that finds nothing to hit does not count: the plan goes on until there were so many kills.
  else
    for (let round = 0; killed() < kills; round++)
      for (const fault of planOf({ seed: seed + round, kills: kills - killed(), kinds, every, together }))
        await make(fault);
  await Promise.all(lasting.values());
  return made;
}

function summary(record: RunRecord) {
  return {
    violations: violationsOf(record),
    events: record.sessions.reduce((sum, { stored }) => sum + stored.length, 0),
    messages: record.sessions.reduce((sum, { sent }) => sum + sent.length, 0),
    ends: countBy(
      record.sessions.flatMap(({ messages }) => messages),
      ({ status }) => status,
    ),
  };
}

function countBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return counts;
}

async function leftOver(world: World): Promise<string[]> {
  const until = performance.now() + GRACE_MS;
  for (;;) {
    const left = await world.left();
    if (left.length === 0 || performance.now() > until) return left;
    await pause(500);
  }
}

/** Counts what the viewers are given. */
class EventCount {
  count = 0;
  #wake: () => void = () => {};

  readonly more = (): void => {
    this.count += 1;
    this.#wake();
  };

  /** Resolves when so many more have come, or when the time is over. */
  async after(events: number, mostMs: number): Promise<void> {
    const until = this.count + events;
    const late = AbortSignal.timeout(mostMs);
    while (this.count < until && !late.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}
