import type { Directory } from './directory.ts';
import type { RunnerPool } from './runner-pool.ts';
import type { Session } from './session.ts';

/** The Worker's bindings. Its settings are read from the same object (protocol/edge-settings.ts). */
export interface EdgeEnv {
  readonly SESSION: DurableObjectNamespace<Session>;
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  readonly RUNNER_POOL: DurableObjectNamespace<RunnerPool>;
}

/** The one pool that there is for now. */
export const DEFAULT_POOL = 'default';
