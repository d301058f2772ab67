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

test('the runner is told of the proxies that this machine has to go through', () => {
  const proxies = { HTTPS_PROXY: 'http://p.test:1', http_proxy: 'http://p.test:2', NO_PROXY: '.test', no_proxy: 'a' };
  const asked = { ...proxies, EGRESS_PROXY_NAMES: 'true' };
  expect(runnerEnvironment(asked, GRANT)).toMatchObject(asked);
});
