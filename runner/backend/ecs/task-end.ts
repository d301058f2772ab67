import type { Container, Task } from '@aws-sdk/client-ecs';
import type { ContainerExit } from '../backend.ts';
import { PORTER, SESSION } from './task-request.ts';

/** What a task's end means, by ECS's code for it. `{}` is ECS's own sentence. */
const MEANINGS: Readonly<Record<string, string>> = {
  UserInitiated: 'Its task was stopped from outside (StopTask): {}',
  SpotInterruption: 'AWS took back the spot capacity that it ran on: {} The next message starts another.',
  TerminationNotice: 'The machine that it ran on is being taken down: {} The next message starts another.',
  ServiceSchedulerInitiated: 'ECS stopped its task: {} The next message starts another.',
  TaskFailedToStart: 'Its task did not start: {}',
};

/** What to do about a task that did not start, by ECS's words. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /CannotPull|ImagePull|pull image/i,
    'Check the image of the task definition, and that the execution role and the subnets reach its registry (docs/ecs.md).',
  ],
  [/ResourceInitializationError/i, 'Its subnets reach no registry or log service: see the endpoints in docs/ecs.md.'],
  [
    /health check/i,
    `The task’s ${PORTER} did not reach the runner: check PORTER_ADDRESS and the security groups (docs/ecs.md).`,
  ],
  [/exec format error/i, 'The image is for another processor than the task definition’s (runtimePlatform).'],
  [/AccessDenied|not authorized/i, 'The roles of the task definition lack a right: see docs/ecs.md.'],
];

const NO_ROOM = /capacity is unavailable|insufficient capacity/i;

/** How the session's container ended, when its task has. */
export function exitOf(task: Task): ContainerExit {
  const session = task.containers?.find(({ name }) => name === SESSION);
  const porter = task.containers?.find(({ name }) => name === PORTER);
  const outOfMemory = /OutOfMemory/.test(session?.reason ?? '');
  const exit = { code: session?.exitCode ?? null, signal: null, outOfMemory, log: session?.reason ?? '' };
  if (outOfMemory) return exit;
  const code = task.stopCode ?? '';
  if (code === 'EssentialContainerExited' && !wasStopped(porter) && wasStopped(session)) {
    const how = `The ${PORTER} beside it ended with code ${porter?.exitCode}${porter?.reason === undefined ? '' : ` (${porter.reason})`}, and the session with it.`;
    return { ...exit, engine: how };
  }
  const meaning = MEANINGS[code];
  return meaning === undefined ? exit : { ...exit, engine: meaning.replace('{}', sentence(task)) };
}

/** What a container ends with that ends only because the other one has: by itself, by SIGTERM, by SIGKILL. */
const STOPPED_CODES = [0, 128 + 15, 128 + 9];

/** It did not end first, as far as one can tell. */
function wasStopped(container: Container | undefined): boolean {
  return STOPPED_CODES.includes(container?.exitCode ?? 0) && !/OutOfMemory/.test(container?.reason ?? '');
}

/** Why a task never ran. */
export function startProblem(task: Task): { noRoom: boolean; detail: string } {
  const said = [task.stoppedReason, ...(task.containers ?? []).map(({ reason }) => reason)].filter(
    (words) => words !== undefined && words !== '',
  );
  const all = said.join(' ');
  const advice = ADVICE.find(([words]) => words.test(all))?.[1];
  const detail = `ECS did not start the task: ${said.join('; ') || 'it gives no reason'}`;
  return { noRoom: NO_ROOM.test(all), detail: advice === undefined ? detail : `${detail}\n${advice}` };
}

function sentence({ stoppedReason = 'no reason is given' }: Task): string {
  return /[.!?]$/.test(stoppedReason) ? stoppedReason : `${stoppedReason}.`;
}
