import type Docker from 'dockerode';
import type { Resources } from '../../protocol/api/session/session-config.ts';
import { seccompProfile } from './seccomp-profile.ts';

const MB = 1024 * 1024;

/** What keeps every container in that runs what is not trusted: a session's, and one in which an environment is made. */
export function hardened(
  { memory_mb, cpus, pids }: Pick<Resources, 'memory_mb' | 'cpus' | 'pids'>,
  runtime: string | undefined,
): Docker.HostConfig {
  const memory = memory_mb * MB;
  return {
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    // No `MaskedPaths`: the engine's defaults.
    SecurityOpt: ['no-new-privileges', `seccomp=${seccompProfile()}`],
    ...(runtime !== undefined && { Runtime: runtime }),
    Privileged: false,
    Init: true,
    IpcMode: 'private',
    RestartPolicy: { Name: 'no' },
    PidsLimit: pids,
    Memory: memory,
    // Equal to `Memory`: no swap.
    MemorySwap: memory,
    NanoCpus: Math.round(cpus * 1e9),
    // When the host runs out of memory, the kernel kills a session before it kills the runner.
    OomScoreAdj: 500,
    // `/dev/shm`, as large as Linux makes it by itself. What is in it counts for the memory limit.
    ShmSize: Math.floor(memory / 2),
  };
}

/** Limits of single files. What all of them take together is watched (`WorkspaceWatch`). @param largest MB; null: any size */
export function fileLimits(largest: number | null): Docker.Ulimit[] {
  const bytes = ((largest ?? 0) + 1) * MB;
  return [
    { Name: 'core', Soft: 0, Hard: 0 },
    ...(largest === null ? [] : [{ Name: 'fsize', Soft: bytes, Hard: bytes }]),
  ];
}
