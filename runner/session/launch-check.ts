import type { Launch } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { ContainerRuns } from './container-runs.ts';
import { WAKE_PARENT } from './container/end-reason.ts';

export interface LaunchCheck {
  launch: Launch;
  runs: Pick<ContainerRuns, 'all' | 'ofSession' | 'canShare'>;
  /** Two containers can work in the same files. */
  sharesFiles: boolean;
  /** Containers at once. */
  capacity: number;
  draining: boolean;
}

/** Why a launch cannot start on this runner; undefined: it can. */
export function launchRefusal({ launch, runs, sharesFiles, capacity, draining }: LaunchCheck): Reason | undefined {
  const { session_id, epoch, workspace_of } = launch;
  if (draining) return { code: 'runner_draining', detail: 'The runner is shutting down.' };
  if (runs.ofSession(session_id).some((run) => run.key.epoch > epoch))
    return { code: 'container_start_failed', detail: 'The runner has a newer launch of this session.' };
  const others = runs.all().filter((run) => run.holdsPlace && run.key.session_id !== session_id);
  if (others.length >= capacity) {
    const detail = `The runner already runs ${others.length} containers, all that it has room for.`;
    return { code: 'container_start_failed', detail };
  }
  if (workspace_of !== undefined && !sharesFiles) {
    const detail = `Sessions on this runner cannot work in each other’s files: each is a task of its own on ECS. Use a copy of the files: a workspace of type "clone".`;
    return { code: 'container_start_failed', detail };
  }
  if (workspace_of !== undefined && !runs.canShare(workspace_of)) {
    const detail = `No container works in the files of the session ${workspace_of} here any more. ${WAKE_PARENT}`;
    return { code: 'parent_unavailable', detail };
  }
  return undefined;
}
