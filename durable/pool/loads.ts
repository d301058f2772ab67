import { isolates } from '../../protocol/link/runner-control.ts';
import type { RunnerLoad } from './core/placement.ts';
import { restsUntil } from './core/resting.ts';
import { takenBy, type Machine } from './core/room.ts';
import type { PoolDependencies } from './dependencies.ts';
import type { RunnerRow } from './tables/runners-table.ts';

/** The runners with their load at `now`, epoch milliseconds. */
export function loadsOf({ places, runners, sockets, cordons }: PoolDependencies, now: number): RunnerLoad[] {
  const cordoned = new Set(cordons.all().map(({ name }) => name));
  return runners.all().map((row) => {
    const { name, backend, capacity, draining, health, storage, disk, labels = {}, losses = [], environments } = row;
    const machine = machineOf(row);
    return {
      name,
      isolates: isolates(backend),
      builds: environments === true,
      connected: sockets.of(name) !== null,
      draining,
      cordoned: cordoned.has(name),
      rests: restsUntil(losses, now) !== null,
      labels,
      capacity,
      running: places.byRunner.count(name),
      machine,
      used: takenBy({ capacity, machine }, places.byRunner.of(name)),
      trouble: health.ok ? null : health.detail,
      storage: { id: storage.id, ok: storage.health.ok },
      lowDiskMb: disk?.low === true ? disk.free_mb : null,
    };
  });
}

function machineOf({ resources }: RunnerRow): Machine | null {
  if (resources === undefined) return null;
  const { total, session } = resources;
  return {
    total: { cpus: total.cpus, memoryMb: total.memory_mb },
    limit: { cpus: session.cpus, memoryMb: session.memory_mb },
  };
}
