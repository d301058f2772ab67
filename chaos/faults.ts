import { signalProcess } from '../runner/lib/process-identity.ts';
import type { Fault, FaultKind } from './plan.ts';
import type { World } from './world/world.ts';

/** @returns what was hit, for people; null: there was nothing to hit */
type Maker = (world: World, fault: Fault) => Promise<string | null>;

const MAKERS: Readonly<Record<FaultKind, Maker>> = {
  edge: async (world) => (world.killEdge() ? 'the edge' : null),
  runner: async (world, { lastsMs }) => {
    await world.killRunner(lastsMs);
    return `the runner, away for ${lastsMs} ms`;
  },
  wrapper: killOne,
  claude: killOne,
  container: async (world, { pick }) => {
    const all = await world.processes();
    const target = oneOf([...new Set(all.map(({ sessionId }) => sessionId))].sort(), pick);
    if (target === undefined) return null;
    for (const { pid, sessionId } of all) if (sessionId === target) signalProcess(pid, 'SIGKILL');
    return `all of ${target}`;
  },
  cut: async (world) => {
    world.network.cut();
    return 'every connection';
  },
  stall: async (world, { lastsMs }) => {
    await world.network.stall(lastsMs);
    return `the network is silent for ${lastsMs} ms`;
  },
  slow: async (world, { lastsMs }) => {
    await world.network.slow(lastsMs);
    return `the network is slow for ${lastsMs} ms`;
  },
};

/**
 * Makes a fault. A break that lasts, or a runner that is away, is over when this resolves.
 *
 * @returns what was hit, for people; null: there was nothing to hit
 */
export function makeFault(world: World, fault: Fault): Promise<string | null> {
  return MAKERS[fault.kind](world, fault);
}

async function killOne(world: World, { kind, pick }: Fault): Promise<string | null> {
  const all = (await world.processes()).filter(({ what }) => what === kind);
  const target = oneOf(
    all.sort((a, b) => a.sessionId.localeCompare(b.sessionId)),
    pick,
  );
  if (target === undefined || !signalProcess(target.pid, 'SIGKILL')) return null;
  return `${target.what} of ${target.sessionId}`;
}

const oneOf = <T>(all: readonly T[], pick: number): T | undefined => all[Math.floor(pick * all.length)];
