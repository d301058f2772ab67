import type { Resources, SessionConfig } from '../../../protocol/api/session/session-config.ts';

/** The operator's limits for one container. They are also the defaults. */
export interface ContainerLimits {
  memoryMb: number;
  /** Cores. */
  cpus: number;
  /** Processes and threads. */
  pids: number;
  workspaceMb: number;
  /** Files, folders and links. */
  workspaceFiles: number;
}

const least = (wanted: number | undefined, limit: number): number => Math.min(wanted ?? limit, limit);

/** What a container gets: what its session asks for, but never more than the runner's limits. */
export function effectiveResources(asked: SessionConfig['resources'], limits: ContainerLimits): Resources {
  return {
    memory_mb: least(asked?.memory_mb, limits.memoryMb),
    cpus: least(asked?.cpus, limits.cpus),
    pids: least(asked?.pids, limits.pids),
    workspace_mb: least(asked?.workspace_mb, limits.workspaceMb),
    workspace_files: least(asked?.workspace_files, limits.workspaceFiles),
  };
}
