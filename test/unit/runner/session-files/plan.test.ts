import { expect, test } from 'vitest';
import type { SessionFiles } from '../../../../protocol/api/files/files.ts';
import { planFiles } from '../../../../runner/session-files/prepare/plan.ts';
import type { FilesState } from '../../../../runner/session-files/state.ts';
import { NEW_FILES, sessionId } from '../../../support/runner/running-runner.ts';

const [W, C, OLD] = [sessionId(1), sessionId(2), sessionId(3)];
const files = (given: Partial<SessionFiles>): SessionFiles => ({ ...NEW_FILES, version: 5, ...given });
const state = (given: Partial<FilesState> = {}): FilesState => ({
  owner: NEW_FILES.owner,
  quota_bytes: null,
  version: 4,
  complete: true,
  dirty: false,
  trees: { workspace: W, conversation: C },
  base: W,
  clone: 'none',
  touched_at: '2026-01-01T00:00:00.000Z',
  saves: [],
  reports: [],
  ...given,
});
const restored = {
  kind: 'make',
  steps: { workspace: { do: 'restore', snapshot_id: W }, conversation: { do: 'restore', snapshot_id: C } },
};
const empty = { kind: 'make', steps: { workspace: { do: 'empty' }, conversation: { do: 'empty' } } };
const asked = { workspace: W, conversation: C };

test.each([
  ['a session that is new begins empty', files({ version: 1 }), undefined, false, empty],
  ['so it does where it is taken to be at home', files({ version: 1, local: 'required' }), undefined, false, empty],
  ['a fork begins with the files of its origin', files({ version: 1, ...asked }), undefined, false, restored],
  [
    'what is here and newer is used',
    files({ local: 'required', ...asked }),
    state({ dirty: true }),
    true,
    { kind: 'local' },
  ],
  ['what is here and as good is used', files({ local: 'preferred', ...asked }), state(), true, { kind: 'local' }],
  ['what was here before anything was noted is used', files({ local: 'required' }), undefined, true, { kind: 'local' }],
  ['what is gone and newer is lost', files({ local: 'required', ...asked }), undefined, false, { kind: 'lost' }],
  ['what is gone and saved is restored', files({ local: 'preferred', ...asked }), undefined, false, restored],
  [
    'what others have changed is restored anew',
    files({ local: 'stale', ...asked }),
    state({ dirty: true }),
    true,
    restored,
  ],
  [
    'a copy of long ago is not as good',
    files({ local: 'preferred', ...asked }),
    state({ version: 2, trees: { workspace: OLD, conversation: OLD } }),
    true,
    restored,
  ],
])('%s', (_, told, known, here, plan) => {
  expect(planFiles(told, known, here)).toEqual(plan);
});

test('a tree that is the very one that is wanted stays', () => {
  const known = state({ trees: { workspace: OLD, conversation: C } });
  expect(planFiles(files({ local: 'stale', ...asked }), known, true)).toEqual({
    kind: 'make',
    steps: { workspace: { do: 'restore', snapshot_id: W }, conversation: { do: 'keep' } },
  });
});

test('a restore that was cut short goes on, even where the edge takes this runner to have the newest', () => {
  const known = state({ complete: false, version: 5 });
  expect(planFiles(files({ local: 'required', version: 6, workspace: OLD }), known, false)).toEqual(restored);
});
