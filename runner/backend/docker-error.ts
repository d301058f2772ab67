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
  return { code: 'container_start_failed', detail: `Docker did not start the container: ${problem}` };
}

export function imageMissing(image: string): StartFailure {
  return { code: 'image_missing', detail: `The image ${image} is missing on the runner: run \`npm run image\` there.` };
}
