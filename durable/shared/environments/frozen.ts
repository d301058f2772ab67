import type { EnvironmentPort, EnvironmentRequest } from '../../../protocol/api/environment.ts';
import type { SessionEnvironment } from '../../../protocol/api/environment-name.ts';
import type { LaunchEnvironment } from '../../../protocol/link/environment/environment.ts';

/** An environment as a session keeps it: what becomes of it later changes new sessions alone. */
export interface FrozenEnvironment {
  readonly of: SessionEnvironment;
  /** What its image is built from. Of `devcontainer` it is empty until a runner has read it in the repository. */
  readonly build: Pick<EnvironmentRequest, 'image' | 'setup' | 'env' | 'network' | 'secrets'> &
    Pick<LaunchEnvironment, 'devcontainer'>;
  /** Ports that are shared when a session is created. */
  readonly ports: readonly EnvironmentPort[];
}
