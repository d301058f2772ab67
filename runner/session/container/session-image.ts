import { ENVIRONMENT_HOME } from '../../../protocol/link/environment/build-launch.ts';
import { isReservedEnv } from '../../../protocol/settings/agent/agent-env.ts';
import { CONTAINER_LAYOUT } from '../../backend/container-spec.ts';

/** The image that a session of an environment starts from. */
export interface SessionImage {
  /** The engine's id of it. */
  id: string;
  /** Variables that the image brings. The session's own, and all of ours, come before them. */
  env: Readonly<Record<string, string>>;
  /** `PATH` of the agent. */
  path: string;
}

interface Variables {
  readonly env: Readonly<Record<string, string>>;
}

/** Where installers put programs in a home. */
const HOME_FOLDERS = ['.local/bin', '.cargo/bin', 'go/bin', '.bun/bin', '.deno/bin'];
/** Our own Node, for servers of the catalogue, in an image that has none. */
const LAST = '/opt/cc-docker/bin';

/** The variables that an image has, and the session image has not: what only we may set is not among them. */
export function imageEnv(image: Variables, base: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(image.env).filter(([name, value]) => base.env[name] !== value && !isReservedEnv(name)),
  );
}

/**
 * A `PATH` for an environment's image: of the agent's home or of `setup`'s first, then what `setup` has put into its own home, then
 * what the image says.
 */
export function environmentPath(image: Variables, base: Variables, home?: string): string {
  const own = image.env['PATH'];
  const differs = own !== undefined && own !== base.env['PATH'];
  const ofAgent = home === undefined ? CONTAINER_LAYOUT.path.split(':').filter((at) => at.startsWith('/home/')) : [];
  const system = (differs ? own : CONTAINER_LAYOUT.path).split(':').filter((at) => !ofAgent.includes(at));
  const ofSetup = HOME_FOLDERS.map((folder) => `${home ?? ENVIRONMENT_HOME}/${folder}`);
  const all = [...ofAgent, ...ofSetup, ...system.filter((at) => !at.startsWith('/home/agent')), LAST];
  return [...new Set(all)].join(':');
}

/** A finished image as sessions take it. */
export function sessionImage(image: Variables & { readonly id: string }, base: Variables): SessionImage {
  return { id: image.id, env: imageEnv(image, base), path: environmentPath(image, base) };
}
