import Docker from 'dockerode';
import type { BackendName } from '../../protocol/link/runner-control.ts';
import { errorText } from '../../container/engine-stream.ts';

/** How long an engine may take to answer, milliseconds. */
const ANSWER_MS = 2000;

export type Engine = { answers: true; docker: Docker } | { answers: false; detail: string };

/** Asks the engine that `DOCKER_HOST` names, or this machine's own, whether it is there. */
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

/** The backend that is asked for, or the best that this machine can: never `process` without saying so. */
export function chooseBackend(wanted: BackendName | undefined, engine: Engine): BackendName {
  return wanted ?? (engine.answers ? 'docker' : 'process');
}
