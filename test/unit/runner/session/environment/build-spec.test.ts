import { expect, test } from 'vitest';
import { containerSpec } from '../../../../../runner/backend/container-spec.ts';
import { sessionFolders } from '../../../../../runner/lib/session-folders.ts';
import { buildSpec, CAPABILITY_BITS } from '../../../../../runner/session/environment/builds/spec.ts';

const resources = { memory_mb: 512, cpus: 2, pids: 128, workspace_mb: 1024, workspace_files: 1000 };
const OF_BUILD = {
  buildId: '0190a0a0-0000-7000-8000-000000000001',
  runnerId: 'a-runner',
  runtime: undefined,
  image: 'sha256:base',
  entrypoint: ['node', '/opt/cc-docker/wrapper.mjs'],
  run: '/data/environments/builds/b/run',
  resources,
  imageMb: 2048,
};
const settings = { image: 'base', runnerId: 'a-runner', owner: { uid: 1000, gid: 1000 }, runtime: undefined };
const session = containerSpec(settings, { session_id: 's', epoch: 1 }, sessionFolders('/data', 's'), resources);

test('a build container is sealed as a session is, but for what apt needs: root, six capabilities, a root that can be written to', () => {
  const { HostConfig } = buildSpec(OF_BUILD);
  const { CapAdd, ReadonlyRootfs, Mounts, Ulimits, LogConfig, ...same } = HostConfig;
  expect(session.HostConfig).toMatchObject(same);
  expect(CapAdd?.toSorted()).toEqual(['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID']);
  expect(CAPABILITY_BITS).toBe('eb');
  expect(ReadonlyRootfs).toBe(false);
  expect(LogConfig?.Type).toBe('none');
  const MB = 1024 * 1024;
  expect(Ulimits).toEqual([
    { Name: 'core', Soft: 0, Hard: 0 },
    { Name: 'fsize', Soft: 2049 * MB, Hard: 2049 * MB },
  ]);
  expect(Mounts?.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly])).toEqual([
    ['/data/environments/builds/b/run', '/run/cc-docker', true],
    ['/data/environments/builds/b/run/hosts', '/etc/hosts', true],
    ['/data/environments/builds/b/run/resolv.conf', '/etc/resolv.conf', true],
  ]);
});

test('its program is that of the image’s wrapper, and nothing of its settings would be left in the image', () => {
  const spec = buildSpec({ ...OF_BUILD, runtime: 'runsc' });
  expect(spec).toMatchObject({
    name: 'cc-docker-build-0190a0a0-0000-7000-8000-000000000001',
    User: '0:0',
    Entrypoint: ['node', '/opt/cc-docker/wrapper.mjs', 'build', '/run/cc-docker/build.json'],
    Labels: { 'cc-docker.runner': 'a-runner' },
  });
  expect(spec).not.toHaveProperty('Env');
  expect(spec.HostConfig.Runtime).toBe('runsc');
});
