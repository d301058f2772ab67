import os from 'node:os';
import { expect, test } from 'vitest';
import { defaultCapacity, parseSettings } from '../../../../runner/session/settings.ts';

const ENV = { RUNNER_TOKEN: 't', SESSION_IMAGE: 'i', PATH: '/bin' };

test('what is not set has a default, and empty counts as not set', () => {
  const parsed = parseSettings({ ...ENV, EDGE_URL: '', RUNNER_CAPACITY: '' });
  expect(parsed).toMatchObject({
    ok: true,
    settings: { edgeUrl: 'http://127.0.0.1:8000', backend: 'docker', labels: {}, limits: { memoryMb: 2048 } },
  });
});

test('labels, limits and the edge are taken as written', () => {
  const parsed = parseSettings({
    ...ENV,
    EDGE_URL: 'https://edge.example.org/',
    RUNNER_LABELS: 'zone=a, gpu=no',
    SESSION_CPUS: '0.5',
    CLAUDE_CODE_MAX_RETRIES: '1',
  });
  expect(parsed).toMatchObject({
    settings: {
      edgeUrl: 'https://edge.example.org',
      labels: { zone: 'a', gpu: 'no' },
      limits: { cpus: 0.5 },
      claudeEnv: { CLAUDE_CODE_MAX_RETRIES: '1' },
    },
  });
});

test('what sessions may ask for together is what the machine has, or what is said', () => {
  const [cores, memory] = [os.availableParallelism(), os.totalmem() / (1024 * 1024)];
  const usual = parseSettings(ENV);
  expect(usual).toMatchObject({ settings: { machine: { cpus: 4 * cores } } });
  expect(usual.ok && usual.settings.machine.memory_mb).toBeLessThan(memory);
  expect(parseSettings({ ...ENV, RUNNER_CPUS: '1.5', RUNNER_MEMORY_MB: '0' })).toMatchObject({
    settings: { machine: { cpus: 1.5, memory_mb: 0 } },
  });
  expect(parseSettings({ ...ENV, RUNNER_CPUS: 'all' })).toMatchObject({
    ok: false,
    problem: expect.stringContaining('RUNNER_CPUS'),
  });
});

test('files are kept in a folder, saved every ten minutes of work, and copied here for a week, unless it is said otherwise', () => {
  expect(parseSettings(ENV)).toMatchObject({
    settings: {
      storage: { kind: 'folder', folder: null },
      files: { snapshotEveryMinutes: 10, sweepHours: 6, localCopyDays: 7 },
    },
  });
  const off = { SNAPSHOT_EVERY_MINUTES: '0', STORAGE_SWEEP_HOURS: '0', LOCAL_COPY_DAYS: '0', S3_BUCKET: 'bucket' };
  expect(parseSettings({ ...ENV, ...off })).toMatchObject({
    settings: { storage: { kind: 's3' }, files: { snapshotEveryMinutes: 0, sweepHours: 0, localCopyDays: 0 } },
  });
});

test.each([
  // A token of an earlier version: its header says `runner+jwt`.
  ['RUNNER_TOKEN', { RUNNER_TOKEN: `${btoa('{"alg":"HS256","typ":"runner+jwt"}')}.e30.x` }],
  ['SESSION_IMAGE', { SESSION_IMAGE: undefined }],
  ['EDGE_URL', { EDGE_URL: 'ftp://x' }],
  ['RUNNER_BACKEND', { RUNNER_BACKEND: 'podman' }],
  ['RUNNER_CAPACITY', { RUNNER_CAPACITY: 'many' }],
  ['RUNNER_LABELS', { RUNNER_LABELS: 'a,b' }],
  ['SESSION_MEMORY_MB', { SESSION_MEMORY_MB: '1' }],
  ['SESSION_CPUS', { SESSION_CPUS: '0' }],
  ['SNAPSHOT_EVERY_MINUTES', { SNAPSHOT_EVERY_MINUTES: 'often' }],
  ['STORAGE_SWEEP_HOURS', { STORAGE_SWEEP_HOURS: '-1' }],
  ['LOCAL_COPY_DAYS', { LOCAL_COPY_DAYS: '1.5' }],
  ['S3_ENDPOINT', { S3_ENDPOINT: 'minio:9000' }],
  ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
])('a malformed %s is named in one line', (name, env) => {
  const parsed = parseSettings({ ...ENV, ...env });
  expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(new RegExp(`^${name} [^\n]+$`)) });
});

test('the process backend wants no image, and is never taken unasked', () => {
  expect(parseSettings({ RUNNER_TOKEN: 't', RUNNER_BACKEND: 'process' }).ok).toBe(true);
  expect(parseSettings(ENV)).toMatchObject({ settings: { backend: 'docker' } });
});

test('capacity follows cores and memory, and is never nothing', () => {
  const GB = 1024 ** 3;
  expect(defaultCapacity(2, 24 * GB)).toBe(8);
  expect(defaultCapacity(16, 8 * GB)).toBe(8);
  expect(defaultCapacity(1, GB / 2)).toBe(1);
});
