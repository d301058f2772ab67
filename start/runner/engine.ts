import Docker from 'dockerode';
import type { BackendName } from '../../protocol/link/runner-control.ts';
import { errorText } from '../../container/build/engine-stream.ts';

/** Those that need nothing but this machine. */
type LocalBackend = Exclude<BackendName, 'ecs'>;

/** Longest time for an engine to answer, milliseconds. */
const ANSWER_MS = 2000;

export type Engine = { answers: true; docker: Docker } | { answers: false; detail: string };

/** Looks for an engine: the one that `DOCKER_HOST` names, or this machine's own. */
export async function findEngine(): Promise<Engine> {
  const timeout = AbortSignal.timeout(ANSWER_MS);
  try {
    const docker = new Docker();
    await Promise.race([docker.ping(), rejection(timeout)]);
    return { answers: true, docker };
  } catch (error) {
    return { answers: false, detail: timeout.aborted ? `no answer within ${ANSWER_MS / 1000} s` : errorText(error) };
  }
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
