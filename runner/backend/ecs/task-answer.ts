import { ECSServiceException, type RunTaskCommandOutput } from '@aws-sdk/client-ecs';
import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs, type BackoffRange } from '../../lib/backoff.ts';
import { messageOf, type Log } from '../../lib/log.ts';

/** What came of asking for a task. */
export type TaskAnswer =
  | { is: 'accepted'; arn: string }
  /** Nobody knows, or ECS had no time: the same request again. */
  | { is: 'again'; why: string }
  /** There is no room: the next place, or later. */
  | { is: 'no_room'; why: string }
  /** It never will be. */
  | { is: 'refused'; why: string };

/** Reasons of `failures[]`, and words of `ClientException`, that say that there is no room now. */
const NO_ROOM = [
  /^RESOURCE:/,
  /^(AGENT|InactiveInstance|MISSING)$/,
  /capacity is unavailable/i,
  /no container instances? (were|was) found/i,
  /insufficient (capacity|\w+ resources)/i,
  /limit on the number of tasks|vcpu.* limit|concurrently/i,
  /unable to (assume|provision).*try again/i,
];

/** Errors of AWS that say: later. */
const LATER = new Set([
  'ThrottlingException',
  'TooManyRequestsException',
  'ServerException',
  'InternalServerException',
  'ServiceUnavailable',
  'RequestLimitExceeded',
]);

/** Errors that only the operator can mend, and how. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDeniedException: 'the runner’s role may not do that: see the policy in docs/ecs.md',
  ClusterNotFoundException: 'there is no such cluster (ECS_CLUSTER)',
  UnrecognizedClientException: 'AWS does not know the runner’s credentials',
  ExpiredTokenException: 'the runner’s credentials have expired',
  PlatformUnknownException: 'the platform version of the task definition does not exist',
};

export function answerOf({ tasks = [], failures = [] }: RunTaskCommandOutput): TaskAnswer {
  const arn = tasks[0]?.taskArn;
  if (arn !== undefined) return { is: 'accepted', arn };
  const { reason = 'no reason', detail } = failures[0] ?? {};
  return judged(detail === undefined ? reason : `${reason}: ${detail}`, reason);
}

export function answerOfError(error: unknown): TaskAnswer {
  // No answer, or none of the API's: the request may have been taken.
  if (!(error instanceof ECSServiceException)) return { is: 'again', why: problemOf(error) };
  if (LATER.has(error.name) || (error.$metadata.httpStatusCode ?? 0) >= 500)
    return { is: 'again', why: problemOf(error) };
  return judged(problemOf(error), error.message);
}

/** Asks again while ECS has no time, for so long. @throws what it answered last */
export async function askPatiently<T>(
  { forMs, backoff, isOver, log }: { forMs: number; backoff: BackoffRange; isOver: () => boolean; log: Log },
  ask: () => Promise<T>,
): Promise<T> {
  const end = Date.now() + forMs;
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (isOver() || Date.now() >= end || answerOfError(error).is !== 'again') throw error;
      log.warn('ECS has no time', { problem: problemOf(error) });
    }
    await pause(backoffMs(tries, { ...backoff, maxMs: backoff.minMs * 4 }, 0.5 + Math.random() / 2));
  }
}

/** What is wrong with a call, for the operator. */
export function problemOf(error: unknown): string {
  if (!(error instanceof ECSServiceException)) return messageOf(error);
  const advice = ADVICE[error.name];
  return `${error.name}: ${error.message}${advice === undefined ? '' : ` (${advice})`}`;
}

function judged(why: string, reason: string): TaskAnswer {
  return { is: NO_ROOM.some((words) => words.test(reason)) ? 'no_room' : 'refused', why };
}
