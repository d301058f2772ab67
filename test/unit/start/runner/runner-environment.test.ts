import { expect, test } from 'vitest';
import { runnerEnvironment } from '../../../../start/runner/runner-environment.ts';

const GRANT = {
  edgeUrl: 'http://127.0.0.1:8000',
  token: 'token',
  backend: 'process' as const,
  dataFolder: '/data',
  wrapperBundle: '/wrapper.mjs',
  image: undefined,
};

test('the runner is told where snapshots are kept and how often they are taken, and no secret of the edge', () => {
  const storage = {
    S3_ENDPOINT: 'http://127.0.0.1:9000',
    S3_BUCKET: 'b',
    S3_SECRET_ACCESS_KEY: 's',
    MINIO_ACCESS_KEY: 'a',
    MINIO_SECRET_KEY: 's',
    STORAGE_FOLDER: '/storage',
    STORAGE_SWEEP_HOURS: '1',
    SNAPSHOT_EVERY_MINUTES: '5',
    LOCAL_COPY_DAYS: '1',
  };
  const passed = runnerEnvironment({ ...storage, JWT_SECRET: 'secret', AWS_PROFILE: 'p' }, GRANT);
  expect(passed).toMatchObject(storage);
  expect(Object.keys(passed)).not.toContain('JWT_SECRET');
});
