import fc from 'fast-check';
import { expect, test } from 'vitest';
import { updatedBuild } from '../../../../../../durable/directory/core/environments/updated-build.ts';
import type { BuildUpdate } from '../../../../../../durable/shared/environments/build-update.ts';
import type { EnvironmentBuild } from '../../../../../../protocol/api/environment.ts';

const build_id = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
type Update = Exclude<BuildUpdate, { is: 'output' }>;

const started: Update = {
  is: 'started',
  build_id,
  environment: 'tools',
  revision: null,
  started: 1000,
  runner: 'workshop',
};
const ready: Update = { is: 'ready', build_id, finished: 5000, bytes: 7 };
const failed: Update = {
  is: 'failed',
  build_id,
  finished: 5000,
  reason: { code: 'environment_failed', detail: 'exit 1' },
  line: 3,
};
const left: Update = {
  is: 'left',
  build_id,
  finished: 2000,
  reason: { code: 'stopped_by_user', detail: 'stopped' },
};

const after = (updates: readonly Update[]) =>
  updates.reduce<EnvironmentBuild | null>((build, update) => updatedBuild(build, update, 'a session'), null);

test('whichever sessions report, in whichever order, a build ends as who saw its end says', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(started, left)), fc.array(fc.constantFrom(started, left)), (before, rest) => {
      expect(after([started, ...before, ready, ...rest])).toMatchObject({
        state: 'ready',
        reason: null,
        image_bytes: 7,
      });
      expect(after([started, ...before, failed, ...rest])).toMatchObject({
        state: 'failed',
        reason: { code: 'environment_failed' },
        line: 3,
      });
    }),
  );
});

test('a build that nobody waits for any more is not shown as one that goes on', () => {
  expect(after([started])).toMatchObject({ state: 'building', finished_at: null });
  expect(after([started, left])).toMatchObject({
    state: 'failed',
    reason: { code: 'stopped_by_user' },
    finished_at: '1970-01-01T00:00:02.000Z',
  });
  expect(after([ready])).toBeNull();
});
