import type { Reason } from '../../../protocol/reason.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { WrapperExit } from '../../../protocol/link/wrapper/wrapper-exit.ts';
import type { ContainerExit } from '../../backend/backend.ts';
import type { Refusal } from '../../link/relay/data-socket.ts';
import type { Full } from './workspace-watch.ts';

/** Why the runner itself stopped a container. */
export type StopCause = 'stopped_by_user' | 'runner_draining' | 'parent_unavailable' | 'disk_low';

/** What the runner itself knows of why it ended. */
export interface WhyEnded {
  stopCause: StopCause | undefined;
  /** Why the session no longer listens to the container. */
  refused: Refusal | 'lost_items' | undefined;
  /** Which limit its files have reached; absent: none. */
  full?: Full | undefined;
  /** Its wrapper did not answer any more, so it was killed; or the line to its machine was down for too long. Absent: neither. */
  givenUp?: 'unresponsive' | 'cut_off' | undefined;
  /** How many processes and threads it had then; absent: nobody knows. */
  processes?: number | undefined;
}

export interface EndFacts extends WhyEnded {
  exit: ContainerExit;
  /** For how long that line may be down, milliseconds. Absent: there is none. */
  lostAfterMs?: number | undefined;
  /** The container's limits; null: it had none. */
  resources: Resources | null;
}

/** The end of a container that never started. */
export const NEVER_RAN: ContainerExit = { code: null, signal: null, outOfMemory: false, log: '' };

/** Exit code of a container whose first process was killed by SIGKILL. */
const SIGKILLED = 128 + 9;

/** The part of the limit of processes from which on a container may have no processor left for its wrapper. */
const FULL_OF_PROCESSES = 0.9;

/** Advice for a session that works in another session's files, when no container of that one runs here. */
export const WAKE_PARENT = 'Send the session whose files they are a message, so that it wakes, and then this one.';

const STOPPED: Record<StopCause, Reason> = {
  stopped_by_user: { code: 'stopped_by_user', detail: 'The session was stopped.' },
  runner_draining: {
    code: 'runner_draining',
    detail: 'The runner was shut down; the next message starts the session again.',
  },
  parent_unavailable: {
    code: 'parent_unavailable',
    detail: `The container in whose files it worked has ended, and this one with it. ${WAKE_PARENT}`,
  },
  disk_low: {
    code: 'out_of_disk',
    detail:
      'The runner’s disk is nearly full (DISK_FLOOR_MB), and this session’s files grew fastest. They are as it left them. The next message wakes it when there is room.',
  },
};

const REFUSED: Record<Refusal | 'lost_items', string> = {
  unauthorized: 'the session does not accept its token',
  not_found: 'the session does not exist any more',
  stale_epoch: 'a newer launch of the session has taken its place',
  lost_items: 'the session and the runner disagree on what was stored',
};

/**
 * Why a container that had started has ended. The stop's cause has precedence: a container that was stopped may also have
 * been killed, or have exited with an error.
 */
export function endReason(facts: EndFacts): Reason {
  const reason = reasonOf(facts);
  return facts.exit.filesUnsaved === true ? { ...reason, detail: `${reason.detail} ${UNSAVED}` } : reason;
}

const UNSAVED = 'It was gone before it could save what it wrote: the session’s files are as they were saved last.';

function reasonOf(facts: EndFacts): Reason {
  const { exit, stopCause, refused, full, givenUp, processes = 0, resources } = facts;
  if (stopCause !== undefined) return STOPPED[stopCause];
  if (full !== undefined) return fullReason(full, resources);
  if (refused !== undefined)
    return { code: 'container_exited', detail: `The runner ended the container, because ${REFUSED[refused]}.` };
  if (exit.outOfMemory) {
    const detail = `The container needed more than its ${resources?.memory_mb ?? 0} MB of memory: raise resources.memory_mb (SESSION_MEMORY_MB on the runner is the most).`;
    return { code: 'out_of_memory', detail };
  }
  if (givenUp === 'cut_off') {
    const seconds = Math.round((facts.lostAfterMs ?? 0) / 1000);
    const detail = `Its task has not reached the runner for ${seconds} s (PORTER_LOST_AFTER), and was stopped. The next message starts another.`;
    return { code: 'runner_lost', detail };
  }
  const isFull = resources !== null && processes >= resources.pids * FULL_OF_PROCESSES;
  if (givenUp === 'unresponsive' && wasKilled(exit) && !isFull) {
    const detail =
      'What reports on Claude Code in the container (its wrapper) did not answer for 10 s: something in it has stopped that, or left it no processor. The container was ended. The next message starts another.';
    return { code: 'claude_unresponsive', detail };
  }
  if (resources !== null && (isFull || exit.code === WrapperExit.outOfPids)) {
    const detail = `The container reached its limit of ${resources.pids} processes and threads: have it start fewer, or raise resources.pids (SESSION_PIDS on the runner is the most).`;
    return { code: 'out_of_pids', detail };
  }
  if (resources !== null && exit.code === WrapperExit.sealBroken) {
    const detail = `A guarantee of the container's seal does not hold, so nothing was started in it.\n${exit.log.trim()}`;
    return { code: 'seal_broken', detail };
  }
  if (exit.engine !== undefined) return { code: 'container_exited', detail: exit.engine };
  if (exit.removed === true) {
    const detail =
      'Its container was removed from outside (docker rm, or a clean-up on the engine), while it ran. Its files are as it left them. The next message starts another.';
    return { code: 'container_exited', detail };
  }
  const unfit = /exec (\S+) failed: (Exec format error|No such file or directory)/.exec(exit.log);
  if (unfit !== null) {
    const why = unfit[2] === 'Exec format error' ? 'is for another processor than the engine’s' : `has no ${unfit[1]}`;
    const detail = `The image (SESSION_IMAGE) ${why}: build it FROM cc-docker/session, the image of \`npm run image\`, on this machine.`;
    return { code: 'container_start_failed', detail };
  }
  if (/Cannot find module '[^']*wrapper\.mjs'/.test(exit.log)) {
    const detail =
      'The image (SESSION_IMAGE) lacks CC-Docker’s wrapper: build it FROM cc-docker/session, the image of `npm run image`.';
    return { code: 'container_start_failed', detail };
  }
  if (exit.code === SIGKILLED && exit.log.trim() === '') {
    const detail =
      'Its container was killed from outside (exit code 137): by `docker kill`, by a restart of the engine, or by the host, when that ran out of memory.';
    return { code: 'container_exited', detail };
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

function fullReason({ limit, used }: Full, resources: Resources | null): Reason {
  if (limit === 'mb') {
    const detail = `Its files (workspace, conversation, home and /tmp) take ${used} MB, and ${resources?.workspace_mb ?? 0} MB are allowed: remove some with the next message, or raise resources.workspace_mb (SESSION_WORKSPACE_MB on the runner is the most).`;
    return { code: 'out_of_disk', detail };
  }
  const detail = `It has ${used} files (in its workspace, conversation, home and /tmp), and ${resources?.workspace_files ?? 0} are allowed: remove some with the next message, or raise resources.workspace_files (SESSION_WORKSPACE_FILES on the runner is the most).`;
  return { code: 'out_of_inodes', detail };
}

/** It did not end by itself meanwhile. */
function wasKilled({ code, signal }: ContainerExit): boolean {
  return code === null || code === SIGKILLED || signal !== null;
}
