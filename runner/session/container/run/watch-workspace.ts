import type { PlacementKey } from '../../../../protocol/link/runner-control.ts';
import type { Placement } from '../../../lib/session-folders.ts';
import type { ContainerDependencies } from '../container-sockets.ts';
import { WorkspaceWatch, type WorkspaceWatchOptions } from '../workspace-watch.ts';

type WatchOptions = Pick<ContainerDependencies, 'backend' | 'space' | 'measure' | 'limits'> &
  Pick<WorkspaceWatchOptions, 'folders' | 'onFull' | 'onStillWriting' | 'log'> & {
    key: PlacementKey;
    placement: Placement;
    /** The container is paused, or goes on: its silence means nothing meanwhile. */
    setPaused: (on: boolean) => void;
  };

/** Watches what a container writes; undefined: it may write as much as it likes, or its backend cannot hold it back. */
export function watchWorkspace(options: WatchOptions): WorkspaceWatch | undefined {
  const { key, placement, backend, limits, setPaused } = options;
  const { workspace_mb, workspace_files } = placement.resources ?? { workspace_mb: null };
  if (workspace_mb === null || !backend.canPause) return undefined;
  return new WorkspaceWatch({
    ...options,
    // A container that an earlier version started was told no number of files.
    limits: { mb: workspace_mb, files: workspace_files ?? limits.workspaceFiles },
    pause: () => {
      setPaused(true);
      return backend.pause(key);
    },
    resume: async () => {
      await backend.resume(key);
      setPaused(false);
    },
  });
}
