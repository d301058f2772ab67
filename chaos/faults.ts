import { setTimeout as pause } from 'node:timers/promises';
import { signalProcess } from '../runner/lib/process-identity.ts';
import type { LoopDisk } from '../test/support/disk/loop-disk.ts';
import type { Fault, FaultKind } from './plan.ts';
import type { SessionProcess } from './world/session-host.ts';
import type { World } from './world/world.ts';

/** A fault that was made. */
export interface Made {
  /** What was hit, for people. */
  readonly what: string;
  /** Resolves when it is over: a break, or the time for which a killed part stays away. */
  readonly over: Promise<unknown>;
}

/** @returns null: there was nothing to hit */
type Maker = (world: World, fault: Fault) => Promise<Made | null>;

/** The clock is set forward by at most this much, and back, milliseconds. What is due at a time waits for it: so back by less. */
const FORWARD_MS = 600_000;
const BACK_MS = 90_000;
const OVER = Promise.resolve();

const MAKERS: Readonly<Record<FaultKind, Maker>> = {
  edge: async (world) => (world.killEdge() ? { what: 'the edge', over: OVER } : null),
  supervisor: async ({ edge }, { lastsMs }) =>
    madeOf(`the edge’s supervisor, away for ${lastsMs} ms`, edge.kill(lastsMs)),
  keeper: async (world) => ((await world.killKeeper()) ? { what: 'the edge’s keeper', over: OVER } : null),
  runner: async ({ runner }, { lastsMs }) => madeOf(`the runner, away for ${lastsMs} ms`, runner.kill(lastsMs)),
  wrapper: killOne,
  claude: killOne,
  container: async ({ host }, { pick }) => {
    const target = oneOf([...new Set((await host.processes()).map(({ sessionId }) => sessionId))].sort(), pick);
    if (target === undefined || !(await host.killAll(target))) return null;
    return { what: `all of ${target}`, over: OVER };
  },
  cut: async ({ network }) => {
    network.cut();
    return { what: 'every connection', over: OVER };
  },
  stall: async ({ network }, { lastsMs }) => madeOf(`the network is silent for ${lastsMs} ms`, network.stall(lastsMs)),
  slow: async ({ network }, { lastsMs }) => madeOf(`the network is slow for ${lastsMs} ms`, network.slow(lastsMs)),
  reorder: async ({ network }, { lastsMs }) =>
    madeOf(`connections overtake one another for ${lastsMs} ms`, network.reorder(lastsMs)),
  twice: async ({ network }, { lastsMs }) =>
    madeOf(`requests are sent twice for ${lastsMs} ms`, network.twice(lastsMs)),
  clock: async ({ clock }, { pick }) => {
    const ms = Math.round(pick < 0.5 ? pick * 2 * FORWARD_MS : (0.5 - pick) * 2 * BACK_MS);
    clock?.move(ms);
    return clock && { what: `the clock is set ${ms < 0 ? 'back' : 'forward'} by ${Math.abs(ms) / 1000} s`, over: OVER };
  },
  disk: async ({ disk }, { pick, lastsMs }) => {
    if (disk === null) return null;
    const leaveMb = Math.floor(pick * 3) * 8;
    return madeOf(`the disk has ${leaveMb} MB left for ${lastsMs} ms`, fillDisk(disk, leaveMb, lastsMs));
  },
};

/**
 * Makes a fault.
 *
 * @returns null: there was nothing to hit
 */
export function makeFault(world: World, fault: Fault): Promise<Made | null> {
  return MAKERS[fault.kind](world, fault);
}

async function killOne(world: World, { kind, pick }: Fault): Promise<Made | null> {
  const all = (await world.host.processes()).filter(({ what }) => what === kind);
  const target = oneOf(all.sort(bySession), pick);
  if (target === undefined || !signalProcess(target.pid, 'SIGKILL')) return null;
  return { what: `${target.what} of ${target.sessionId}`, over: OVER };
}

async function fillDisk(disk: LoopDisk, leaveMb: number, ms: number): Promise<void> {
  disk.fill(leaveMb);
  await pause(ms);
  disk.makeRoom();
}

const madeOf = (what: string, over: Promise<void> | null): Made | null => over && { what, over };

const bySession = (a: SessionProcess, b: SessionProcess) => a.sessionId.localeCompare(b.sessionId);

const oneOf = <T>(all: readonly T[], pick: number): T | undefined => all[Math.floor(pick * all.length)];
