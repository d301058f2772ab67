import * as z from 'zod';
import type { BackendName } from '../../protocol/link/runner-control.ts';
import { errorText } from '../../container/build/engine-stream.ts';
import { inOwnProcess } from '../lib/in-own-process.ts';

/** Those that need nothing but this machine. */
type LocalBackend = Exclude<BackendName, 'ecs'>;

/** Longest time for an engine to answer, milliseconds. */
const ANSWER_MS = 2000;

/** `detail`: why none does. */
const engine = z.discriminatedUnion('answers', [
  z.object({ answers: z.literal(true) }),
  z.object({ answers: z.literal(false), detail: z.string() }),
]);
export type Engine = z.infer<typeof engine>;

/** Looks for an engine: the one that `DOCKER_HOST` names, or this machine's own. */
export async function findEngine(): Promise<Engine> {
  const timeout = AbortSignal.timeout(ANSWER_MS);
  try {
    const docker = await engineClient();
    await Promise.race([docker.ping(), rejection(timeout)]);
    return { answers: true };
  } catch (error) {
    return { answers: false, detail: timeout.aborted ? `no answer within ${ANSWER_MS / 1000} s` : errorText(error) };
  }
}

/**
 * As `findEngine`, apart: the engine's client takes 10 MB, and a service with another backend does not need it again.
 *
 * @param wanted the backend that is configured: `process` needs no engine, so none is looked for
 */
export async function findEngineApart(wanted: LocalBackend | undefined): Promise<Engine> {
  if (wanted === 'process') return { answers: false, detail: 'RUNNER_BACKEND=process needs none' };
  return engine.parse(await inOwnProcess('start/runner/look-for-engine.ts'));
}

/** The client of the engine that `DOCKER_HOST` names, or of this machine's own. */
export async function engineClient() {
  const { default: Docker } = await import('dockerode');
  return new Docker();
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('timeout')), { once: true });
  });
}

/** The backend that is configured, or the best that this machine has. The banner warns of `process`. */
export function chooseBackend(wanted: LocalBackend | undefined, engine: Engine): LocalBackend {
  return wanted ?? (engine.answers ? 'docker' : 'process');
}
