import type Docker from 'dockerode';
import type { PlacementKey } from '../../protocol/runner-control.ts';
import type { ContainerLayout, Owner } from './backend.ts';
import type { SessionFolders } from '../session-folders.ts';
import type { ContainerLimits } from '../settings.ts';

export const Label = {
  runner: 'cc-docker.runner',
  session: 'cc-docker.session',
  epoch: 'cc-docker.epoch',
} as const;

/** What the operator, and nobody else, has decided about containers. */
export interface ContainerSettings {
  image: string;
  runnerId: string;
  owner: Owner;
  limits: ContainerLimits;
}

/** Inside the image of `container/Dockerfile`. */
export const CONTAINER_LAYOUT: ContainerLayout = {
  claude: '/usr/local/bin/claude',
  workspace: '/workspace',
  claudeConfig: '/claude',
  run: '/run/cc-docker',
  home: '/home/agent',
  tmp: '/tmp',
  path: '/home/agent/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  env: {},
};

/** Unprivileged users: the one of `container/Dockerfile` under a root runner, else the runner's own, who owns the files. */
export function containerOwner(runner: { uid: number; gid: number }): Owner {
  return runner.uid === 0 ? { uid: 1000, gid: 1000 } : runner;
}

/** A container's name: creating it twice is refused by the engine, which makes `start` idempotent. */
export function containerName(key: PlacementKey): string {
  return `cc-docker-${key.session_id}-${key.epoch}`;
}

const MB = 1024 * 1024;

/**
 * The whole of what the engine is asked for. It depends on the operator's settings, the session's id and its folders
 * alone: what a client asked for reaches the container only as `launch.json`, for the wrapper.
 */
export function containerSpec(
  settings: ContainerSettings,
  key: PlacementKey,
  folders: SessionFolders,
): Docker.ContainerCreateOptions & { HostConfig: Docker.HostConfig } {
  const { owner, limits } = settings;
  const memory = limits.memoryMb * MB;
  return {
    name: containerName(key),
    Image: settings.image,
    User: `${owner.uid}:${owner.gid}`,
    WorkingDir: CONTAINER_LAYOUT.workspace,
    Hostname: 'session',
    Env: [`HOME=${CONTAINER_LAYOUT.home}`],
    Labels: {
      [Label.runner]: settings.runnerId,
      [Label.session]: key.session_id,
      [Label.epoch]: String(key.epoch),
    },
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      // No `seccomp=`: the engine's own default profile. No `MaskedPaths`: the engine's defaults.
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      ReadonlyRootfs: true,
      Init: true,
      IpcMode: 'private',
      RestartPolicy: { Name: 'no' },
      PidsLimit: limits.pids,
      Memory: memory,
      // Equal to `Memory`: no swap.
      MemorySwap: memory,
      NanoCpus: Math.round(limits.cpus * 1e9),
      // Under memory pressure on the host the kernel takes a session before it takes the runner.
      OomScoreAdj: 500,
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      // Kept in memory, and so within the limit above. `exec`, because compilers and package managers run what they
      // put there, and the workspace allows it anyway.
      Tmpfs: {
        [CONTAINER_LAYOUT.tmp]: `rw,exec,nosuid,nodev,mode=1777,size=${Math.floor(memory / 2)}`,
        [CONTAINER_LAYOUT.home]: `rw,exec,nosuid,nodev,mode=0700,uid=${owner.uid},gid=${owner.gid},size=${Math.floor(memory / 2)}`,
      },
      // Mounts, not Binds: a colon in a path has no meaning here, and a missing source is an error, not a new folder.
      Mounts: [
        bind(folders.workspace, CONTAINER_LAYOUT.workspace, false),
        bind(folders.claude, CONTAINER_LAYOUT.claudeConfig, false),
        // Read-only: connecting to a socket writes nothing to the folder, and nothing in there is the container's to change.
        bind(folders.run, CONTAINER_LAYOUT.run, true),
      ],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
    },
  };
}

function bind(source: string, target: string, readOnly: boolean): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly, BindOptions: { Propagation: 'rprivate' } };
}
