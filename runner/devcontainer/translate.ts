import { imageName } from '../../protocol/api/environment.ts';
import { isAllowedImage } from '../../protocol/settings/environment-settings.ts';
import { type DevcontainerCommand, readCommands } from './commands.ts';
import { readEnv } from './env.ts';
import { featureSetup } from './features.ts';
import type { DevcontainerFile } from './parse.ts';
import { type DevcontainerPort, readPorts } from './ports.ts';
import { type Unsupported, UnsupportedList } from './unsupported.ts';
import { MAX_GROWTH, substitute } from './variables.ts';

/** What a `devcontainer.json` comes down to here. */
export interface Devcontainer {
  /** Absent: the service's own. */
  readonly image?: string;
  /** What its features install, as a script for root. */
  readonly setup?: string;
  /** Variables of the build, and of the session. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables of the session's processes alone, over those. */
  readonly remote_env: Readonly<Record<string, string>>;
  /** What runs once in the workspace, as the agent's user, before the agent begins. */
  readonly commands: readonly DevcontainerCommand[];
  readonly ports: readonly DevcontainerPort[];
  /** What has no effect. */
  readonly unsupported: readonly Unsupported[];
}

export interface TranslateOptions {
  /** The operator's `ENVIRONMENT_IMAGES`. */
  readonly allowedImages: readonly string[];
  /** The repository's folder in the container. */
  readonly folder: string;
  /** The container's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** The session's `config.env`, which goes over those of the file. */
  readonly sessionEnv: Readonly<Record<string, string>>;
}

/** Fields that are looked at, and those that have nothing to say here: what is in a name, editors, what is always so. */
const SILENT = new Set(
  [
    ['image', 'features', 'containerEnv', 'remoteEnv', 'forwardPorts', 'appPort', 'portsAttributes'],
    ['onCreateCommand', 'updateContentCommand', 'postCreateCommand'],
    ['$schema', 'name', 'customizations', 'extensions', 'settings', 'otherPortsAttributes', 'shutdownAction'],
    ['overrideCommand', 'overrideFeatureInstallOrder', 'updateRemoteUserUID', 'userEnvProbe', 'waitFor'],
  ].flat(),
);

const OWN_RESOURCES = 'the session’s own resources count (config.resources)';
const SEALED = 'a session’s container is sealed, whatever a repository says';
const ONE_CONTAINER = 'a session is one container, from an image: name one in "image"';
const OWN_USER = 'everything runs as the agent’s user';

/** Why fields that other tools know have no effect. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  build: ONE_CONTAINER,
  dockerFile: ONE_CONTAINER,
  context: ONE_CONTAINER,
  dockerComposeFile: ONE_CONTAINER,
  service: ONE_CONTAINER,
  runServices: ONE_CONTAINER,
  initializeCommand: 'it would run on the runner’s machine, outside of the container: that never happens',
  postStartCommand: 'commands run once, when the workspace is new',
  postAttachCommand: 'commands run once, when the workspace is new',
  privileged: SEALED,
  capAdd: SEALED,
  securityOpt: SEALED,
  runArgs: SEALED,
  mounts: SEALED,
  workspaceMount: 'the workspace is where CC-Docker has it',
  workspaceFolder: 'the workspace is where CC-Docker has it',
  remoteUser: OWN_USER,
  containerUser: OWN_USER,
  hostRequirements: OWN_RESOURCES,
  gpu: 'a session has no GPU',
  secrets: 'name the runner’s secrets in config.secrets',
};

/**
 * What of a `devcontainer.json` counts for a session. The file is the repository's, so whoever may write to that has written it: it
 * names an image that the operator allows, programs, variables and commands inside of the container, and nothing else.
 */
export function translate(file: DevcontainerFile, given: TranslateOptions): Devcontainer {
  const { allowedImages, folder, env, sessionEnv } = given;
  const unsupported = new UnsupportedList();
  nameOthers(file, unsupported);
  const image = readImage(file, allowedImages, unsupported);
  const growth = { left: MAX_GROWTH };
  const fillWith = (known: Readonly<Record<string, string>>) => (text: string, field: string) =>
    substitute(text, field, { folder, env: known, unsupported, growth });
  const containerEnv = readEnv(file, 'containerEnv', sessionEnv, fillWith(env), unsupported);
  const inContainer = { ...env, ...containerEnv };
  const remote_env = readEnv(file, 'remoteEnv', { ...containerEnv, ...sessionEnv }, fillWith(inContainer), unsupported);
  const commands = readCommands(file, fillWith(inContainer), unsupported);
  const setup = featureSetup(file, unsupported);
  const ports = readPorts(file, unsupported);
  return {
    ...(image !== null && { image }),
    ...(setup !== null && { setup }),
    env: containerEnv,
    remote_env,
    commands,
    ports,
    unsupported: unsupported.items,
  };
}

function nameOthers(file: DevcontainerFile, unsupported: UnsupportedList): void {
  for (const [name, value] of Object.entries(file)) {
    if (SILENT.has(name) || value === null || value === false) continue;
    // Each container has one.
    if (name === 'init') continue;
    const why = Object.hasOwn(WITHOUT_EFFECT, name) ? WITHOUT_EFFECT[name] : undefined;
    unsupported.add(name, why ?? 'this field is not known here');
  }
}

function readImage(file: DevcontainerFile, allowed: readonly string[], unsupported: UnsupportedList): string | null {
  const { image } = file;
  if (image === undefined || image === null) return null;
  const parsed = imageName.safeParse(image);
  if (parsed.success && isAllowedImage(parsed.data, allowed)) return parsed.data;
  const why = parsed.success
    ? 'is not among the operator’s ENVIRONMENT_IMAGES: the service’s own image is used'
    : 'is no name of an image: the service’s own is used';
  unsupported.add(`image: ${typeof image === 'string' ? image : JSON.stringify(image)}`, why);
  return null;
}
