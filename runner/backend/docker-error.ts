import * as z from 'zod';
import type { StartFailure } from './backend.ts';
import { messageOf } from '../lib/log.ts';

/** An error response of the engine, as dockerode throws it. */
const answer = z.object({ statusCode: z.int(), json: z.object({ message: z.string() }).optional() });

/** The engine's HTTP status; `undefined` when no answer came. */
export function engineStatus(error: unknown): number | undefined {
  return answer.safeParse(error).data?.statusCode;
}

/** No response came from the engine: the same request may work later. */
export function engineAway(error: unknown): boolean {
  const status = engineStatus(error);
  if (status !== undefined) return status === 502 || status === 503;
  // An error of the connection, or a timeout. Anything else is a bug of ours.
  return error instanceof Error && ('code' in error || error.name === 'AbortError' || error.name === 'TimeoutError');
}

/** What went wrong, for the operator. */
export function engineProblem(error: unknown): string {
  const parsed = answer.safeParse(error).data;
  if (parsed?.json !== undefined) return parsed.json.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES') return `${messageOf(error)}: the runner's user may not use Docker's socket (group docker)`;
  if (parsed === undefined) return `${messageOf(error)}: is Docker running, and DOCKER_HOST right?`;
  return messageOf(error);
}

/** Why a container did not start. */
export function startFailure(error: unknown, image: string): StartFailure {
  const problem = engineProblem(error);
  if (engineAway(error)) return { code: 'engine_unavailable', detail: `The Docker engine does not answer: ${problem}` };
  if (engineStatus(error) === 404 && /no such image/i.test(problem)) return imageMissing(image);
  const advice = ADVICE.find(([pattern]) => pattern.test(problem))?.[1];
  const detail = `Docker did not start the container: ${problem}`;
  return { code: 'container_start_failed', detail: advice === undefined ? detail : `${detail}\n${advice}` };
}

/** What to do about errors of the engine's that say only what it was doing. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/no space left on device/i, 'The disk of the engine is full: `docker system df` shows what takes it.'],
  [/unknown or invalid runtime|runtime .*not found/i, 'The engine has no runtime of that name: see DOCKER_RUNTIME.'],
  [/exec format error/i, 'The image (SESSION_IMAGE) is for another processor than the engine’s.'],
  [
    /executable file not found|exec: "[^"]*": stat/i,
    'The image (SESSION_IMAGE) lacks it: build it FROM cc-docker/session.',
  ],
];

/** The name of those that `npm run image` builds. */
const OWN_IMAGE = /^cc-docker\/session(:|$)/;

export function imageMissing(image: string): StartFailure {
  if (image.startsWith('sha256:')) {
    const detail =
      'The image of the environment was removed from the engine a moment ago. The next start builds it anew.';
    return { code: 'image_missing', detail };
  }
  const detail = OWN_IMAGE.test(image)
    ? `The image ${image} is missing on the runner: run \`npm run image\` there.`
    : `The runner's engine does not have the image ${image} that SESSION_IMAGE names: check the name, and build it there or get it with \`docker pull ${image}\`. No restart is needed.`;
  return { code: 'image_missing', detail };
}
