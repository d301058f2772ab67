import type { EdgeEnv } from '../rpc/edge-env.ts';
import type { RunnerSockets } from './runner-sockets.ts';
import type { CopiesTable } from './tables/copies-table.ts';
import type { Cordons } from './tables/cordons.ts';
import type { PlacesTable } from './tables/places-table.ts';
import type { RunnerMetricsTable } from './tables/runner-metrics-table.ts';
import type { RunnersTable } from './tables/runners-table.ts';

/** What the parts of a pool share. */
export interface PoolDependencies {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly env: EdgeEnv;
  readonly runners: RunnersTable;
  readonly places: PlacesTable;
  readonly copies: CopiesTable;
  readonly sockets: RunnerSockets;
  readonly metrics: RunnerMetricsTable;
  readonly cordons: Cordons;
  /** Runners that isolate sessions and runners that do not may be in this pool together. */
  readonly mixesIsolation: boolean;
  /** Has the alarm set anew: something is due that was not. */
  readonly setAlarm: () => Promise<void>;
}
