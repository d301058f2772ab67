import type { Reason } from '../../../protocol/reason.ts';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import { localOn, type Base, type FilesState } from './files.ts';
import type { SessionState } from './state.ts';

/** Whether another session's container may work in a session's files now: only beside its own, where that is. */
export type FilesShare =
  | { readonly share: 'now'; readonly runner: string }
  /** Its container is on the way. */
  | { readonly share: 'soon' }
  /** It has none, and none is on the way. */
  | { readonly share: 'no' };

/** The session in whose files another is to work, and its word on that. */
export interface Host {
  readonly of: string;
  readonly answer: FilesShare;
}

/** What becomes of a launch that is to share files. */
export type SharedLaunch =
  | { readonly do: 'launch'; readonly runner: string; readonly local: Launch['files']['local'] }
  | { readonly do: 'wait'; readonly reason: Reason }
  | { readonly do: 'end'; readonly reason: Reason };

export function shareOf({ container, queue }: SessionState, { launch }: FilesState): FilesShare {
  const runner = launch?.runner ?? null;
  switch (container) {
    case 'none':
      return { share: 'no' };
    case 'ending':
      return { share: queue.length > 0 ? 'soon' : 'no' };
    case 'ready':
      return runner === null ? { share: 'soon' } : { share: 'now', runner };
    case 'wanted':
    case 'launched':
      break;
  }
  // Its files may still be on their way from the storage.
  return { share: 'soon' };
}

/** @param base where what the session itself said is to be had */
export function sharedLaunch({ of, answer }: Host, base: Base): SharedLaunch {
  if (answer.share === 'no') {
    const detail =
      `The session ${of}, in whose files this one works, has no container. Send that one a message, so that it wakes, and then this one again; ` +
      'or begin a child with the workspace type "clone", which works in a copy.';
    return { do: 'end', reason: { code: 'parent_unavailable', detail } };
  }
  if (answer.share === 'soon') {
    const detail = `Waiting: the container of the session ${of}, in whose files this one works, is not there yet.`;
    return { do: 'wait', reason: { code: 'parent_unavailable', detail } };
  }
  const { runner } = answer;
  if (base.on === 'runner' && base.runner !== runner) {
    const detail =
      `Waiting: the session ${of}, in whose files this one works, is on the runner "${runner}" by now, and what this one said is on ` +
      `"${base.runner}" alone until that has saved it.`;
    return { do: 'wait', reason: { code: 'parent_unavailable', detail } };
  }
  return { do: 'launch', runner, local: localOn(base, runner) };
}
