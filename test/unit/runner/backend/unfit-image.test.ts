import { expect, test } from 'vitest';
import { startFailure } from '../../../../runner/backend/docker-error.ts';
import { unfitImage } from '../../../../runner/backend/unfit-image.ts';

const ENGINE = { OSType: 'linux', Architecture: 'x86_64' };
const Entrypoint = ['node', '/opt/cc-docker/wrapper.mjs', '/run/cc-docker/launch.json'];
const IMAGE = { Os: 'linux', Architecture: 'amd64', Config: { Entrypoint } };

test('the session image is fit; one for another processor, or without the wrapper, is named with what to do', () => {
  expect(unfitImage('own:1', IMAGE, ENGINE)).toBeUndefined();
  expect(
    unfitImage('own:1', { ...IMAGE, Architecture: 'arm64' }, { ...ENGINE, Architecture: 'aarch64' }),
  ).toBeUndefined();
  expect(unfitImage('own:1', { ...IMAGE, Architecture: 'arm64' }, ENGINE)).toBe(
    'The image own:1 is for linux/arm64, and this engine runs linux/amd64: pull or build it for that.',
  );
  for (const Config of [{}, { Entrypoint: null }, { Entrypoint: ['bash'] }])
    expect(unfitImage('own:1', { ...IMAGE, Config }, ENGINE)).toContain('build it FROM the image of `npm run image`');
});

const failed = (statusCode: number, message: string) =>
  startFailure(Object.assign(new Error(message), { statusCode, json: { message } }), 'own:1');

test('what an engine says of a start comes with what to do about it', () => {
  expect(failed(404, 'No such image: own:1')).toMatchObject({
    code: 'image_missing',
    detail: expect.stringContaining('docker pull own:1'),
  });
  expect(startFailure({ statusCode: 404, json: { message: 'no such image' } }, 'cc-docker/session:1').detail).toContain(
    'npm run image',
  );
  expect(failed(500, 'write /var/lib/x: no space left on device').detail).toContain('docker system df');
  expect(failed(400, 'unknown or invalid runtime name: runsc').detail).toContain('DOCKER_RUNTIME');
  expect(failed(400, 'exec: "node": executable file not found in $PATH').detail).toContain('FROM cc-docker/session');
  expect(failed(500, 'something else')).toEqual({
    code: 'container_start_failed',
    detail: 'Docker did not start the container: something else',
  });
});
