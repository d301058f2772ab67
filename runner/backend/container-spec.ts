import type Docker from 'dockerode';
import path from 'node:path';
import { placementKey, type PlacementKey } from '../../protocol/link/runner-control.ts';
import type { Resources } from '../../protocol/api/session/session-config.ts';
import type { ContainerLayout } from './backend.ts';
import type { Owner, SessionFolders } from '../lib/session-folders.ts';
import { fileLimits, hardened } from './hardened.ts';

export const Label = {
  runner: 'cc-docker.runner',
  session: 'cc-docker.session',
  epoch: 'cc-docker.epoch',
  /** It was started as a spare. Once a session has claimed it, its name is the session's. */
  spare: 'cc-docker.spare',
} as const;

/** What only the operator decides about containers. */
export interface ContainerSettings {
  image: string;
  runnerId: string;
  owner: Owner;
  /** The engine's runtime by name, such as `runsc`; undefined: its default. */
  runtime: string | undefined;
}

/** The paths inside the image of `container/Dockerfile`. */
export const CONTAINER_LAYOUT: ContainerLayout = {
  claude: '/usr/local/bin/claude',
  workspace: '/workspace',
  claudeConfig: '/claude',
  run: '/run/cc-docker',
  home: '/home/agent',
  tmp: '/tmp',
  path: '/home/agent/.local/bin:/home/agent/.local/usr/bin:/home/agent/.cargo/bin:/home/agent/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  offers: { mcp: '/opt/cc-docker/mcp', packages: '/opt/cc-docker/mcp/node_modules', skills: '/opt/cc-docker/skills' },
  env: { APT_CONFIG: '/opt/cc-docker/apt.conf' },
};

/** An unprivileged user: for a runner of root the one of `container/Dockerfile`, else the runner's own, who owns the files. */
export function containerOwner(runner: { uid: number; gid: number }): Owner {
  return runner.uid === 0 ? { uid: 1000, gid: 1000 } : runner;
}

/** The container's name. The engine refuses a second container of the same name, which makes `start` idempotent. */
export function containerName(key: PlacementKey): string {
  return `cc-docker-${key.session_id}-${key.epoch}`;
}

/** The key of a container that the engine calls so, with or without a slash before it; undefined: the name is not of ours. */
export function keyOfName(name: string): PlacementKey | undefined {
  const [, session_id, epoch] = /^\/?cc-docker-([0-9a-f-]{36})-(\d+)$/.exec(name) ?? [];
  return placementKey.safeParse({ session_id, epoch: Number(epoch) }).data;
}

/** Files of the run folder that become files of the container's `/etc`. */
export const HOSTS_FILE = 'hosts';
export const RESOLVER_FILE = 'resolv.conf';
export const PASSWD_FILE = 'passwd';
export const GROUP_FILE = 'group';

/**
 * The whole request to the engine. It depends only on the operator's settings, the session's id and folders, and four
 * numbers that the operator's limits cap. Everything else that a client asks for reaches the container only in
 * `launch.json`, for the wrapper.
 */
export function containerSpec(
  settings: ContainerSettings,
  key: PlacementKey,
  folders: SessionFolders,
  resources: Resources,
  spare = false,
): Docker.ContainerCreateOptions & { HostConfig: Docker.HostConfig } {
  const { owner, runtime } = settings;
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
      ...(spare && { [Label.spare]: 'true' }),
    },
    NetworkDisabled: true,
    HostConfig: {
      ...hardened(resources, runtime),
      ReadonlyRootfs: true,
      Ulimits: fileLimits(resources.workspace_mb),
      // Mounts, not Binds: a colon in a path has no special meaning here, and a missing source is an error, not a new folder.
      Mounts: [
        bind(folders.workspace, CONTAINER_LAYOUT.workspace, false),
        bind(folders.claude, CONTAINER_LAYOUT.claudeConfig, false),
        // On the disk, where `WorkspaceWatch` counts them: in memory, a package manager's cache would leave no room for a build.
        bind(folders.home, CONTAINER_LAYOUT.home, false),
        bind(folders.tmp, CONTAINER_LAYOUT.tmp, false),
        // Read-only: connecting to a socket writes nothing to the folder, and the container must not change what is there.
        bind(folders.run, CONTAINER_LAYOUT.run, true),
        // The names of the session's forwards, instead of the host's own names and name servers.
        bind(path.join(folders.run, HOSTS_FILE), '/etc/hosts', true),
        bind(path.join(folders.run, RESOLVER_FILE), '/etc/resolv.conf', true),
        // The users of the image, and the one that the container runs as.
        bind(path.join(folders.run, PASSWD_FILE), '/etc/passwd', true),
        bind(path.join(folders.run, GROUP_FILE), '/etc/group', true),
      ],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
    },
  };
}

function bind(source: string, target: string, readOnly: boolean): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly, BindOptions: { Propagation: 'rprivate' } };
}
