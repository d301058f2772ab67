import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../bench/simulate/random.ts';
import { violationsOf } from './check.ts';
import { makeFault } from './faults.ts';
import { LoadedSession } from './load.ts';
import { isKill, planOf, type FaultKind } from './plan.ts';
import type { RunRecord } from './records.ts';
import { World } from './world/world.ts';

/** When nothing is seen for this long, milliseconds, the next fault comes all the same: the one before may be why. */
const MOST_WAIT_MS = 10_000;
/** When nothing breaks any more, each session completes a message within this, milliseconds. */
const REST_MS = 180_000;
/** What is deleted is gone after this, milliseconds. */
const GRACE_MS = 30_000;

export interface RunOptions {
  readonly seed: number;
  readonly kills: number;
  readonly sessions: number;
  readonly kinds: readonly FaultKind[];
  /** Gets a line for each fault. */
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly violations: readonly string[];
  /** How often each kind of fault has hit something. */
  readonly hits: ReadonlyMap<FaultKind, number>;
  readonly kills: number;
  readonly events: number;
  readonly messages: number;
  /** Messages by how they ended. */
  readonly ends: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** What the parts have written. */
  readonly logs: string;
}

/** Breaks a loaded service as the seed says, lets it come to rest, and checks what was promised. */
export async function runChaos({ seed, kills, sessions, kinds, say }: RunOptions): Promise<RunResult> {
  const began = performance.now();
  const world = await World.open(seed);
  try {
    const seen = new EventCount();
    const cc = await world.client('chaos');
    const random = new Random(seed);
    const loaded = await Promise.all(
      Array.from({ length: sessions }, () => LoadedSession.begin(cc, new Random(random.next() * 2 ** 32), seen.more)),
    );
    const ended = new AbortController();
    for (const session of loaded) session.work(ended.signal);

    const hits = new Map<FaultKind, number>();
    let killed = 0;
    // A fault that finds nothing to hit does not count: the plan goes on until there were so many kills.
    for (let round = 0; killed < kills; round++) {
      for (const fault of planOf({ seed: seed + round, kills: kills - killed, kinds })) {
        await seen.after(fault.afterEvents, MOST_WAIT_MS);
        const hit = await makeFault(world, fault);
        if (hit === null) continue;
        hits.set(fault.kind, (hits.get(fault.kind) ?? 0) + 1);
        if (isKill(fault.kind)) killed += 1;
        say(`${String(killed).padStart(5)}  after event ${seen.count}: ${hit}`);
      }
    }
    ended.abort();
    say('the service comes to rest');
    const stuck = await Promise.all(loaded.map((session) => session.finish(REST_MS)));
    if (stuck.some((one) => one !== null))
      return {
        ...STUCK,
        violations: stuck.filter((one) => one !== null).map((one) => `it came to no rest: ${one}`),
        hits,
        kills: killed,
        seconds: (performance.now() - began) / 1000,
        logs: world.logs,
      };
    const records = await Promise.all(loaded.map((session) => session.record(world)));
    for (const session of loaded) await session.remove();
    const record = { sessions: records, left: await leftOver(world) };
    return { ...summary(record), hits, kills: killed, seconds: (performance.now() - began) / 1000, logs: world.logs };
  } finally {
    await world.close();
  }
}

const STUCK = { events: 0, messages: 0, ends: new Map<string, number>() };

function summary(record: RunRecord) {
  const ends = new Map<string, number>();
  for (const { messages } of record.sessions)
    for (const { status } of messages) ends.set(status, (ends.get(status) ?? 0) + 1);
  return {
    violations: violationsOf(record),
    events: record.sessions.reduce((sum, { stored }) => sum + stored.length, 0),
    messages: record.sessions.reduce((sum, { sent }) => sum + sent.length, 0),
    ends,
  };
}

async function leftOver(world: World): Promise<string[]> {
  const until = performance.now() + GRACE_MS;
  for (;;) {
    const processes = (await world.processes()).map(({ pid, what, sessionId }) => `${what} ${pid} of ${sessionId}`);
    const folders = (await readdir(world.sessionsFolder)).map((name) => `the folder of ${name}`);
    const left = [...processes, ...folders];
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
