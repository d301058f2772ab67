import { signalProcess } from '../runner/lib/process-identity.ts';
import type { Fault } from './plan.ts';
import type { SessionProcess } from './processes.ts';
import type { World } from './world.ts';

/**
 * Makes a fault. A break that lasts, or a runner that is away, is over when this resolves.
 *
 * @returns what was hit, for people; null: there was nothing to hit
 */
export async function makeFault(world: World, { kind, pick, lastsMs }: Fault): Promise<string | null> {
  switch (kind) {
    case 'edge':
      return world.killEdge() ? 'the edge' : null;
    case 'runner':
      await world.killRunner(lastsMs);
      return `the runner, away for ${lastsMs} ms`;
    case 'wrapper':
    case 'claude':
      return killOne(
        (await world.processes()).filter(({ what }) => what === kind),
        pick,
      );
    case 'container': {
      const all = await world.processes();
      const target = oneOf([...new Set(all.map(({ sessionId }) => sessionId))].sort(), pick);
      if (target === undefined) return null;
      for (const { pid, sessionId } of all) if (sessionId === target) signalProcess(pid, 'SIGKILL');
      return `all of ${target}`;
    }
    case 'cut':
      world.network.cut();
      return 'every connection';
    case 'stall':
      await world.network.stall(lastsMs);
      return `the network is silent for ${lastsMs} ms`;
    case 'slow':
      await world.network.slow(lastsMs);
      return `the network is slow for ${lastsMs} ms`;
  }
}

function killOne(processes: readonly SessionProcess[], pick: number): string | null {
  const ordered = [...processes].sort((a, b) => a.sessionId.localeCompare(b.sessionId));
  const target = oneOf(ordered, pick);
  if (target === undefined || !signalProcess(target.pid, 'SIGKILL')) return null;
  return `${target.what} of ${target.sessionId}`;
}

const oneOf = <T>(all: readonly T[], pick: number): T | undefined => all[Math.floor(pick * all.length)];
