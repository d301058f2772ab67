import { describe, expect, it, test } from 'vitest';
import { environmentRequest, imageName } from '../../../../protocol/api/environment.ts';
import { environmentSettings, isAllowedImage } from '../../../../protocol/settings/environment-settings.ts';

describe('an image is allowed', () => {
  it.each([
    ['python:3.13-slim', 'python:3.13-slim'],
    ['python:3.13-slim', 'python:*'],
    ['python:3.13-slim', 'docker.io/library/python:*'],
    ['docker.io/library/python:3.13', 'python:*'],
    ['python', 'python:latest'],
    ['python', 'python'],
    ['ghcr.io/me/tools:1', 'ghcr.io/me/*'],
    ['ghcr.io/me/a/b:1', 'ghcr.io/*/b:*'],
    ['localhost:5000/tools:1', 'localhost:5000/tools:1'],
    [`node@sha256:${'a'.repeat(64)}`, 'node@sha256:*'],
    ['anything/at-all', '*'],
  ])('%s by %s', (image, pattern) => {
    expect(imageName.parse(image)).toBe(image);
    expect(isAllowedImage(image, [pattern])).toBe(true);
  });

  it.each([
    ['python:3.13-slim', 'python:3.12'],
    ['python:3.13', 'python'],
    ['evil/python:3.13', 'python:*'],
    ['docker.io/evil/python:3.13', 'python:*'],
    ['ghcr.io/me/python:3.13', 'python:*'],
    ['ghcr.io/menace/tools', 'ghcr.io/me/*'],
    ['aa', 'a*aa'],
  ])('%s not by %s', (image, pattern) => {
    expect(isAllowedImage(image, [pattern])).toBe(false);
  });

  it('by none where the operator names none', () => {
    expect(isAllowedImage('python:3.13', environmentSettings.parse({}).ENVIRONMENT_IMAGES)).toBe(false);
  });
});

test.each(['--privileged', 'a b', 'UPPER/case', 'a//b', '', 'x:y:z', '-v', 'a\nb', `node@sha256:${'g'.repeat(64)}`])(
  '%j is no name of an image',
  (name) => expect(imageName.safeParse(name).success).toBe(false),
);

describe('what the operator shares', () => {
  it('is read from JSON, with the defaults of a session’s settings', () => {
    const ENVIRONMENTS = JSON.stringify({ web: { setup: 'true', network: { presets: ['packages'] } } });
    const { ENVIRONMENTS: read } = environmentSettings.parse({ ENVIRONMENTS });
    expect(read).toEqual({ web: { setup: 'true', network: { allow: [], presets: ['packages'] } } });
    expect(environmentSettings.parse({ ENVIRONMENTS }).ENVIRONMENTS).toBe(read);
  });

  it.each([
    ['not JSON', 'must be JSON such as'],
    ['{"web": {"setup": 7}}', 'in web.setup'],
    ['{"web": {"image": "-v"}}', 'in web.image: must be the name of an image'],
    ['{"Web": {}}', 'in Web'],
    ['{"devcontainer": {}}', 'what a repository describes itself'],
  ])('and refused as %s, with what is wrong', (ENVIRONMENTS, says) => {
    const { error } = environmentSettings.safeParse({ ENVIRONMENTS });
    expect(error?.issues[0]?.message).toContain(says);
  });

  it('names images with words that say what fits', () => {
    const { error } = environmentSettings.safeParse({ ENVIRONMENT_IMAGES: 'python:*, --privileged x' });
    expect(error?.issues[0]?.message).toContain('not "--privileged x"');
  });
});

test('an environment names each of its ports once', () => {
  const ports = [{ port: 3000 }, { port: 3000, label: 'again' }];
  expect(environmentRequest.safeParse({ ports }).error?.issues[0]?.message).toBe('must name each port once');
  expect(environmentRequest.safeParse({ ports: ports.slice(1) }).success).toBe(true);
});

test('an environment is bounded as a whole', () => {
  const env = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`V${n}`, 'x'.repeat(1000)]));
  const mcp_servers = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`s${n}`, { command: 'x'.repeat(1000) }]),
  );
  expect(environmentRequest.safeParse({ env }).success).toBe(true);
  expect(environmentRequest.safeParse({ env, mcp_servers }).error?.issues[0]?.message).toContain('at most 256 KB');
});
