import type { Launch } from '../../../protocol/link/runner-control.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { SPARE_FILE } from '../../../protocol/link/wrapper/spare.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { ContainerBackend } from '../../backend/backend.ts';
import { HOSTS_FILE, RESOLVER_FILE } from '../../backend/container-spec.ts';
import { hostsFile, RESOLVER } from '../../egress/policy/forward-hosts.ts';
import {
  LAUNCH_FILE,
  writeLaunchFile,
  writePlacement,
  writeRunFile,
  type Placement,
  type SessionFolders,
} from '../../lib/session-folders.ts';
import type { Traces } from '../../lib/traces.ts';
import type { ModelUpstream } from '../../model/upstream.ts';
import { CA_FILE, launchFile, TRUST_STORE_FILE } from './launch-file.ts';
import { GIT_CONFIG_FILE, gitConfig, gitLaunch } from './git-config.ts';
import type { SessionImage } from './session-image.ts';
import { containerAuthorities, type EgressDependencies, type EgressPlan } from './session-egress.ts';

export interface RunFolderInput {
  backend: ContainerBackend;
  upstream: ModelUpstream;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
  egress: EgressDependencies;
  folders: SessionFolders;
  launch: Launch;
  /** What the container trusts includes the runner's own authority. Absent: where the plan needs it. */
  trustsRunner?: boolean;
  plan: Pick<EgressPlan, 'forwards' | 'exposedEnv' | 'packageEnv' | 'forgeEnv' | 'wire'>;
  /** The container is to clone a repository into its workspace. */
  clone: boolean;
  /** The image of the session's environment; undefined: it is the session image. */
  image: SessionImage | undefined;
  /** Absent: nothing is traced. */
  traces?: Traces;
  /** A path of the run folder that is short enough for sockets. */
  runPath: string;
}

/**
 * Writes what a container finds in its run folder, and the placement that a later runner process adopts it by.
 *
 * @returns the content of its `launch.json`
 */
export async function writeRunFolder(input: RunFolderInput & { placement: Placement }): Promise<WrapperLaunch> {
  const { folders, placement } = input;
  const [file] = await Promise.all([
    writeFiles({ ...input, resources: placement.resources }, LAUNCH_FILE),
    writePlacement(folders, placement),
  ]);
  return file;
}

/** The same for a spare, which has no placement. */
export async function writeSpareFolder(input: RunFolderInput & Limits): Promise<WrapperLaunch> {
  return await writeFiles(input, SPARE_FILE);
}

interface Limits {
  resources: Resources | null;
}

async function writeFiles(input: RunFolderInput & Limits, name: string): Promise<WrapperLaunch> {
  const { backend, upstream, claudeEnv, egress, folders, resources, launch, plan, clone, runPath } = input;
  const ofBackend = backend.layout({ ...folders, run: runPath });
  const layout = input.image === undefined ? ofBackend : { ...ofBackend, path: input.image.path };
  const { seal, ownKernel } = backend;
  const sealed = seal !== null;
  const { forwards } = plan;
  // A variable that the operator exposes by name takes precedence over one of the package sources.
  const { exposedEnv } = plan;
  const packageEnv = sealed ? { ...plan.packageEnv, ...plan.forgeEnv } : {};
  const env = { exposedEnv, packageEnv, claudeEnv };
  const git = clone ? gitLaunch(launch, plan) : undefined;
  const prepare = git === undefined ? undefined : prepareOf(launch);
  const telemetry = input.traces?.isOn === true;
  const launchInput = {
    launch,
    imageEnv: input.image?.env,
    folders,
    layout,
    upstream,
    ...env,
    sealed,
    ownKernel,
    forwards,
    git,
    prepare,
    telemetry,
    runner: seal?.runner,
    ...(resources !== null && { limits: backend.ownLimits?.(resources) }),
  };
  const authorities = containerAuthorities(input.trustsRunner ?? plan.wire.length > 0, egress);
  const [file] = await Promise.all([
    launchFile(launchInput),
    writeRunFile(folders, GIT_CONFIG_FILE, gitConfig(launch, plan, sealed)),
    ...(sealed
      ? [
          writeRunFile(folders, HOSTS_FILE, hostsFile(forwards)),
          writeRunFile(folders, RESOLVER_FILE, RESOLVER),
          writeRunFile(folders, CA_FILE, authorities.pem),
          writeRunFile(folders, TRUST_STORE_FILE, authorities.java),
        ]
      : []),
  ]);
  // The last one: a spare that finds it may begin.
  await writeLaunchFile(folders, backend.owner, file, name);
  return file;
}

/** What the wrapper runs once the repository is there; undefined: nothing. */
function prepareOf({ environment }: Launch): WrapperLaunch['prepare'] {
  const { devcontainer } = environment ?? {};
  if (devcontainer === undefined || devcontainer.commands.length === 0) return undefined;
  const { folder, commands } = devcontainer;
  return { folder, commands };
}
