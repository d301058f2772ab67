import type { Reason } from '../../../protocol/reason.ts';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import { localOn, type Base, type FilesState } from './files.ts';
import type { SessionState } from './state.ts';

/**
 * Whether another session's container may work in a session's files now. It may only beside the session's own
 * container, on the same runner.
 */
export type FilesShare =
  | { readonly share: 'now'; readonly runner: string }
  /** Its container will be there soon. */
  | { readonly share: 'soon' }
  /** It has no container, and none was requested. */
  | { readonly share: 'no' };

/** The session whose files another one is to share, and its answer. */
export interface Host {
  readonly of: string;
  readonly answer: FilesShare;
}

/** What to do with a launch that needs another session's files. */
export type SharedLaunch =
  | { readonly do: 'launch'; readonly runner: string; readonly local: Launch['files']['local'] }
  | { readonly do: 'wait'; readonly reason: Reason }
  | { readonly do: 'end'; readonly reason: Reason };

/** A session's answer to another one that wants to share its files. */
export function shareOf({ container, queue }: SessionState, { launch }: FilesState): FilesShare {
  const runner = launch?.runner ?? null;
  switch (container) {
    case 'none':
      return { share: 'no' };
    // With messages in its queue, it gets a new container.
    case 'ending':
      return { share: queue.length > 0 ? 'soon' : 'no' };
    case 'ready':
      return runner === null ? { share: 'soon' } : { share: 'now', runner };
    case 'wanted':
    case 'launched':
      break;
  }
  // The runner may still be restoring the files from the storage.
  return { share: 'soon' };
}

/**
 * Decides on a launch that needs another session's files.
 *
 * @param base where the launched session's own conversation is
 */
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
