import type { OwnEvent } from '../../../../../protocol/api/session/own-events.ts';
import type { WrapperNotice } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';

export type CloneNotice = Extract<WrapperNotice, { notice: 'cloning' | 'cloned' | 'fetched' | 'clone_skipped' }>;

/** Whether no other repository follows: `claude` is started next. */
export const isLastClone = (notice: CloneNotice): boolean => notice.notice !== 'cloning' && notice.more !== true;

/** What a notice of a clone is in the session's log. */
export function cloneEvent(epoch: number, notice: CloneNotice): OwnEvent {
  const { repo, path } = notice;
  const place = { epoch, repo, ...(path !== undefined && { path }) };
  switch (notice.notice) {
    case 'cloning':
      return { type: 'workspace.cloning', data: place };
    case 'cloned': {
      const { commit, ms, left_out = [], left_out_count = left_out.length } = notice;
      return { type: 'workspace.cloned', data: { ...place, commit, ms, left_out, left_out_count } };
    }
    case 'fetched': {
      const { commit, ms } = notice;
      return { type: 'workspace.fetched', data: { ...place, commit, ms } };
    }
    case 'clone_skipped':
      break;
  }
  return { type: 'workspace.clone_skipped', data: { ...place, detail: notice.detail } };
}

export type CommandNotice = Extract<WrapperNotice, { notice: 'command' | 'prepare_failed' }>;

/** The same of a command of the repository's `devcontainer.json`. */
export function commandEvent(epoch: number, notice: CommandNotice): OwnEvent {
  const { name } = notice;
  if (notice.notice === 'prepare_failed')
    return { type: 'environment.command', data: { epoch, name, state: 'failed', ms: null, output: notice.detail } };
  const { ms = null, output = null } = notice;
  return { type: 'environment.command', data: { epoch, name, state: ms === null ? 'started' : 'done', ms, output } };
}
