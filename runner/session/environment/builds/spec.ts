import path from 'node:path';
import type Docker from 'dockerode';
import type { Resources } from '../../../../protocol/api/session/session-config.ts';
import { BUILD_FILE } from '../../../../protocol/link/environment/build-launch.ts';
import { CONTAINER_LAYOUT, HOSTS_FILE, Label, RESOLVER_FILE } from '../../../backend/container-spec.ts';
import { fileLimits, hardened } from '../../../backend/hardened.ts';

/**
 * What `apt` and `dpkg` need of root, each tried: without CHOWN and FOWNER dpkg cannot unpack what is another user's; DAC_OVERRIDE
 * opens files of other users to maintainer scripts; SETUID and SETGID let apt download as its own user, and `su` work; KILL ends
 * what a script has started as another user, such as a database. Not among them: SETFCAP and FSETID, whose work
 * `no-new-privileges` makes useless in a session; MKNOD, and all that reaches beyond the container.
 */
const CAPABILITIES = { CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, KILL: 5, SETGID: 6, SETUID: 7 } as const;

/** The same as bits, in hexadecimal, as the kernel shows them. */
export const CAPABILITY_BITS = Object.values(CAPABILITIES)
  .reduce<number>((bits, bit) => bits | (1 << bit), 0)
  .toString(16);

export const BUILD_NAME = 'cc-docker-build-';

export interface BuildContainer {
  buildId: string;
  runnerId: string;
  /** The engine's runtime by name; undefined: its default. */
  runtime: string | undefined;
  /** The id of the image that it is made from, and the program that starts sessions in it. */
  image: string;
  entrypoint: readonly string[];
  /** The run folder on this machine: what to do, and the socket of the proxy. */
  run: string;
  resources: Pick<Resources, 'memory_mb' | 'cpus' | 'pids'>;
  /** The most that a single file may have, MB. `WorkspaceWatch` limits all together. */
  imageMb: number;
}

/**
 * The whole request to the engine for a build container. It is a session's, but for this: it is root, with the capabilities that
 * `apt` needs, and its own root can be written to; it has no folder of a session, and its one socket is the proxy's.
 */
export function buildSpec(
  build: BuildContainer,
): Docker.ContainerCreateOptions & { HostConfig: Docker.HostConfig; name: string } {
  const { resources, run, runtime } = build;
  return {
    name: `${BUILD_NAME}${build.buildId}`,
    Image: build.image,
    User: '0:0',
    WorkingDir: '/',
    Hostname: 'session',
    Entrypoint: [...build.entrypoint, 'build', BUILD_FILE],
    Cmd: [],
    Healthcheck: { Test: ['NONE'] },
    Labels: { [Label.runner]: build.runnerId },
    NetworkDisabled: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ...hardened(resources, runtime),
      CapAdd: Object.keys(CAPABILITIES),
      ReadonlyRootfs: false,
      Ulimits: fileLimits(build.imageMb),
      Mounts: [
        readOnly(run, CONTAINER_LAYOUT.run),
        readOnly(path.join(run, HOSTS_FILE), '/etc/hosts'),
        readOnly(path.join(run, RESOLVER_FILE), '/etc/resolv.conf'),
      ],
      // The runner reads what it writes, and keeps what fits.
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

function readOnly(source: string, target: string): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: true, BindOptions: { Propagation: 'rprivate' } };
}
