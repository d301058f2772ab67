import type { ContainerDependencies } from '../container/container-sockets.ts';
import type { ContainerRun } from '../container/container-run.ts';
import { effectiveResources } from '../container/resources.ts';
import { planEgress } from '../container/session-egress.ts';
import type { RunnerOptions } from '../runner-options.ts';
import { plainProfile } from './profile.ts';
import { Spares } from './spares.ts';

export interface OpenSparesOptions {
  readonly options: Pick<RunnerOptions, 'settings' | 'data' | 'warmTimes'>;
  readonly dependencies: ContainerDependencies;
  readonly runs: () => readonly ContainerRun[];
  readonly closed: () => boolean;
  readonly onCount: () => void;
}

/** A runner's spares, by the operator's settings. */
export function openSpares({ options, dependencies, runs, closed, onCount }: OpenSparesOptions): Spares {
  const { settings, data, warmTimes } = options;
  const { backend, egress } = dependencies;
  return new Spares({
    dependencies,
    sessions: data.sessions,
    spares: data.spares,
    setting: settings.warmSessions ?? 0,
    capacity: settings.capacity,
    machine: settings.machine,
    live: () =>
      runs()
        .filter(({ holdsPlace }) => holdsPlace)
        .map(({ resources }) => resources),
    closed,
    onCount,
    plain: async () => {
      const resources = backend.seal === null ? null : effectiveResources(undefined, settings.limits);
      const planned = await planEgress({ secrets: [] }, egress, backend.seal !== null);
      return plainProfile(resources, planned.ok ? planned.plan.packageEnv : {});
    },
    ...(warmTimes && { times: warmTimes }),
  });
}
