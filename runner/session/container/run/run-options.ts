import type { Launch, PlacementKey } from '../../../../protocol/link/runner-control.ts';
import type { Placement, SessionFolders } from '../../../lib/session-folders.ts';
import type { LocalFiles } from '../../../session-files/local-files.ts';
import type { Claimed, ClaimRequest } from '../../warm/claim-request.ts';
import type { ContainerDependencies } from '../container-sockets.ts';

export interface ContainerRunOptions extends ContainerDependencies {
  key: PlacementKey;
  folders: SessionFolders;
  files: () => Promise<LocalFiles>;
  /** The container's token, its limits, and what its egress is made from. */
  placement: Placement;
  /** Absent: the container runs already, and an earlier runner process started it. */
  launch: Launch | undefined;
  /** Resolves when the session's folders are free: its earlier container has ended. */
  foldersFree: Promise<unknown>;
  /** Ends the containers of other sessions that work in this session's workspace. Resolves when they have ended. */
  endSharers: () => Promise<void>;
  onStarted: () => void;
  /** Takes a spare for the session; undefined: none fits, so that the container is started. Absent: this runner has no spares. */
  claim?: (request: ClaimRequest) => Promise<Claimed | undefined>;
}
