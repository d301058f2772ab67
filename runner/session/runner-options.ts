import type { ContainerBackend } from '../backend/backend.ts';
import type { LiveFiles } from '../files/live-files.ts';
import type { BackoffRange } from '../lib/backoff.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import type { Log } from '../lib/log.ts';
import type { Traces } from '../lib/traces.ts';
import type { EdgeAgents } from '../link/dial.ts';
import type { Credentials } from '../link/control-connection.ts';
import type { ModelHandler } from '../model/exchange.ts';
import type { ModelUpstream } from '../model/upstream.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { EgressDependencies } from './container/session-egress.ts';
import type { EnvironmentImages } from './environment/environment-images.ts';
import type { Settings } from './settings.ts';
import type { SparesOptions } from './warm/spares.ts';

/** What a runner is made of. `main.ts` makes it from the environment, tests from fakes. */
export interface RunnerOptions {
  settings: Pick<
    Settings,
    'edgeUrl' | 'capacity' | 'labels' | 'claudeEnv' | 'limits' | 'files' | 'diskFloorMb' | 'drainSeconds'
  > &
    // Absent: that is not counted; no spares.
    Partial<Pick<Settings, 'machine' | 'warmSessions'>>;
  credentials: Credentials;
  /** Make the connections to the edge; absent: it is dialled directly. */
  agents?: EdgeAgents | undefined;
  backend: ContainerBackend;
  data: DataFolder;
  store: Pick<ObjectStore, 'id' | 'kind' | 'health' | 'close'>;
  snapshots: Pick<
    Snapshots,
    'save' | 'restore' | 'share' | 'artifact' | 'entries' | 'content' | 'drop' | 'owners' | 'trees' | 'sweep' | 'close'
  >;
  /** The files of a session that runs on another machine. Absent: none does. */
  liveFiles?: (sessionId: string) => LiveFiles | undefined;
  upstream: ModelUpstream;
  /** Makes the handler of one session's model calls. */
  newModelHandler: () => ModelHandler;
  egress: EgressDependencies;
  /** The images of environments. Absent: this runner has none. */
  environments?: Pick<EnvironmentImages, 'start' | 'imageFor' | 'run' | 'close'> | undefined;
  /** CC-Docker's version. */
  version: string;
  log: Log;
  /** Absent: nothing is traced. */
  traces?: Traces;
  /** Between two health checks, milliseconds. */
  healthMs?: number;
  /** Between two reports of what was counted, if that has changed, milliseconds. */
  metricsMs?: number;
  backoff?: BackoffRange;
  heartbeatMs?: number;
  /** How the runner keeps spares; absent: as it does for people. */
  warmTimes?: SparesOptions['times'];
  /** Between two tries of a snapshot that the storage did not take. */
  snapshotBackoff?: BackoffRange;
  /** From a write to a parked session's files until they are saved, milliseconds. */
  writtenMs?: number;
}
