import type { Launch, PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { EgressPlan } from '../container/session-egress.ts';
import type { SessionImage } from '../container/session-image.ts';

/** A launch whose files and sockets are ready: only the container is missing. */
export interface ClaimRequest {
  readonly key: PlacementKey;
  readonly folders: SessionFolders;
  readonly launch: Launch;
  readonly plan: Pick<EgressPlan, 'wire' | 'exposedNames' | 'packageEnv' | 'forgeEnv'>;
  /** Of its environment; undefined: the session image. */
  readonly image: SessionImage | undefined;
  /** What `launch.json` says. */
  readonly launchFile: WrapperLaunch;
  /** The container's limits; null: none. */
  readonly resources: Resources | null;
}

/** A spare has become the session's container. */
export interface Claimed {
  /** The spare's id. */
  readonly spare: string;
  /** To be called when the container has ended. */
  release(): Promise<void>;
}
