import { describe, expect, it } from 'vitest';
import { beginFiles, advanceFiles } from '../../../../../durable/session/core/files.ts';
import { NEW_SESSION, type SessionState } from '../../../../../durable/session/core/state.ts';
import { sharedLaunch, shareOf } from '../../../../../durable/session/core/shared-files.ts';

const BEGUN = beginFiles({
  workspace: null,
  conversation: null,
  storage: null,
  fork_of: null,
  conversation_id: null,
  pinned: false,
});
const LAUNCHED = advanceFiles(BEGUN, { on: 'launched' });
const PLACED = advanceFiles(LAUNCHED, { on: 'placed', runner: 'here' });
const session = (change: Partial<SessionState>): SessionState => ({ ...NEW_SESSION, ...change });

describe('the files of a session', () => {
  it('are shared where its container has them, once it does', () => {
    expect(shareOf(session({ container: 'ready' }), PLACED)).toEqual({ share: 'now', runner: 'here' });
    expect(shareOf(session({ container: 'launched' }), PLACED)).toEqual({ share: 'soon' });
    expect(shareOf(session({ container: 'wanted' }), LAUNCHED)).toEqual({ share: 'soon' });
    // Its container was faster than the pool's word of where it is.
    expect(shareOf(session({ container: 'ready' }), LAUNCHED)).toEqual({ share: 'soon' });
  });

  it('are not waited for where no container is to come', () => {
    expect(shareOf(session({ container: 'none' }), BEGUN)).toEqual({ share: 'no' });
    expect(shareOf(session({ container: 'ending' }), PLACED)).toEqual({ share: 'no' });
    const woken = session({ container: 'ending', queue: [{ message_id: 'm', deadline: null }] });
    expect(shareOf(woken, PLACED)).toEqual({ share: 'soon' });
  });
});

describe('a launch that is to share files', () => {
  const host = { of: 'parent', answer: { share: 'now', runner: 'here' } } as const;
  const trees = { workspace: 'w', conversation: 'c', storage: 's' };

  it('goes to where they are, and takes what is there of its own for what it is worth', () => {
    const launch = { do: 'launch', runner: 'here' };
    expect(sharedLaunch(host, { on: 'storage', prefer: 'here', trees })).toEqual({ ...launch, local: 'preferred' });
    expect(sharedLaunch(host, { on: 'storage', prefer: 'there', trees })).toEqual({ ...launch, local: 'stale' });
    expect(sharedLaunch(host, { on: 'runner', runner: 'here' })).toEqual({ ...launch, local: 'required' });
  });

  it('waits for what is on another runner alone, and for a container that is on its way', () => {
    const elsewhere = sharedLaunch(host, { on: 'runner', runner: 'there' });
    expect(elsewhere).toMatchObject({ do: 'wait', reason: { code: 'parent_unavailable' } });
    const soon = sharedLaunch({ of: 'parent', answer: { share: 'soon' } }, { on: 'storage', prefer: null, trees });
    expect(soon).toMatchObject({ do: 'wait', reason: { detail: expect.stringContaining('session parent') } });
  });

  it('ends where there is none, with what to do', () => {
    const no = sharedLaunch({ of: 'parent', answer: { share: 'no' } }, { on: 'storage', prefer: null, trees });
    expect(no).toMatchObject({ do: 'end', reason: { detail: expect.stringMatching(/Send that one a message/) } });
  });
});
