import { DEVCONTAINER } from '../../../../protocol/api/environment-name.ts';
import type { LaunchEnvironment } from '../../../../protocol/link/environment/environment.ts';
import type { Launch } from '../../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import type { SessionImage } from '../../container/session-image.ts';
import type { EnvironmentImages, ImageRequest } from '../environment-images.ts';
import { readDevcontainer, type ReadInput } from './read-devcontainer.ts';

/** What a session's container starts from. `image` absent: the session image. `launch`: with what the repository says of it. */
export type SessionMachine = { ok: true; image?: SessionImage; launch: Launch } | { ok: false; reason: Reason };

/**
 * Finds what a session of an environment starts from; first reads that in its repository, where the repository describes it.
 *
 * @throws when the request's signal is aborted meanwhile
 */
export async function sessionMachine(
  images: Pick<EnvironmentImages, 'run' | 'imageFor'>,
  { environment: given, ...input }: ReadInput,
  request: ImageRequest,
): Promise<SessionMachine> {
  const isKnown = given.name !== DEVCONTAINER || given.devcontainer !== undefined;
  const read = isKnown
    ? { ok: true as const, environment: given }
    : await readDevcontainer(images, { environment: given, ...input }, request);
  if (!read.ok) return read;
  const { environment } = read;
  const launch = withDevcontainer({ ...input.launch, environment }, environment);
  if (environment.image === undefined && environment.setup === undefined) return { ok: true, launch };
  const found = await images.imageFor(environment, request);
  return found.ok ? { ...found, launch } : found;
}

/** The launch with the variables that the repository names, below the session's own. */
function withDevcontainer(launch: Launch, { env, devcontainer }: LaunchEnvironment): Launch {
  if (devcontainer === undefined) return launch;
  const all = { ...env, ...devcontainer.remote_env, ...launch.config.env };
  return { ...launch, config: { ...launch.config, env: all } };
}
