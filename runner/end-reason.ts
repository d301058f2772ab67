import type { Reason } from '../protocol/reason.ts';
import type { ContainerExit } from './backend/backend.ts';
import type { Refusal } from './link/data-socket.ts';

/** Why the runner itself ended a container. */
export type Asked = 'stopped_by_user' | 'runner_draining';

export interface Ending {
  exit: ContainerExit;
  asked: Asked | undefined;
  refused: Refusal | 'lost_items' | undefined;
  /** The container's memory limit. */
  memoryMb: number;
}

const ASKED: Record<Asked, string> = {
  stopped_by_user: 'The session was stopped.',
  runner_draining: 'The runner was shut down; the next message starts the session again.',
};

const REFUSED: Record<Refusal | 'lost_items', string> = {
  unauthorized: 'the session does not accept its token',
  not_found: 'the session does not exist any more',
  stale_epoch: 'a newer launch of the session has taken its place',
  lost_items: 'the session and the runner disagree on what was stored',
};

/** Why a container that had started is gone. What was asked for comes first: what is stopped may well die hard. */
export function endReason({ exit, asked, refused, memoryMb }: Ending): Reason {
  if (asked !== undefined) return { code: asked, detail: ASKED[asked] };
  if (refused !== undefined)
    return { code: 'container_exited', detail: `The runner ended the container, because ${REFUSED[refused]}.` };
  if (exit.outOfMemory) {
    const detail = `The container needed more than its ${memoryMb} MB of memory: give it more with SESSION_MEMORY_MB on the runner.`;
    return { code: 'out_of_memory', detail };
  }
  const how =
    exit.code === null
      ? exit.signal === null
        ? 'The container is gone.'
        : `The container was ended by ${exit.signal}.`
      : `The container exited with code ${exit.code}.`;
  const log = exit.log.trim();
  return { code: 'container_exited', detail: log === '' ? how : `${how} The end of its log:\n${log}` };
}
