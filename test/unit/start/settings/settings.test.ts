import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { webhookAllow } from '../../../../protocol/settings/webhook-allow.ts';
import { PROJECT } from '../../../../start/lib/project.ts';
import { loadEnvironment, parseSettings } from '../../../../start/settings/settings.ts';

test('with nothing set it serves this machine alone, on port 8000, with its data in the project', () => {
  expect(parseSettings({})).toMatchObject({
    host: '127.0.0.1',
    port: 8000,
    dataFolder: path.join(PROJECT, '.cc-docker'),
    jwtSecret: undefined,
    backend: undefined,
    edgeVars: {},
  });
});

test.each([
  ['PORT', '80x', /^PORT must be a whole number from 0 to 65535$/],
  ['PORT', '65536', /^PORT must be a whole number from 0 to 65535$/],
  ['HOST', 'a b', /^HOST must be an address/],
  ['JWT_SECRET', 'short', /^JWT_SECRET must be at least 32/],
  ['RUNNER_BACKEND', 'podman', /^RUNNER_BACKEND must be docker or process$/],
  ['CONTAINER_IDLE_TIMEOUT', 'soon', /^CONTAINER_IDLE_TIMEOUT .*number/],
  ['MAX_SESSIONS_PER_USER', '0', /^MAX_SESSIONS_PER_USER /],
  ['WEBHOOK_ALLOW', 'hook.example.com', /^WEBHOOK_ALLOW takes addresses, ranges .*: not "hook.example.com"$/],
  ['AGENT_TOOLS', 'ask_user,bash', /^AGENT_TOOLS takes "none", or some of ask_user, .*: not "bash"$/],
  ['WEBHOOK_ALLOW', '127.0.0.1, 10.0.0.0/33', /^WEBHOOK_ALLOW takes .*: not "10.0.0.0\/33"$/],
])('%s=%s is refused in one line that names it', (name, value, line) => {
  const refused = parseSettings({ [name]: value });
  expect(refused).toEqual({ refused: expect.stringMatching(line) });
});

test('two faults are one line', () => {
  const parsed = parseSettings({ PORT: 'x', RUNNER_BACKEND: 'y' });
  expect(parsed).toEqual({ refused: expect.stringMatching(/^PORT .*; RUNNER_BACKEND [^\n]*$/) });
});

test('a variable that is set to nothing counts as not set', () => {
  expect(parseSettings({ PORT: '', JWT_SECRET: '', RUNNER_BACKEND: '' })).toMatchObject({ port: 8000 });
});

test('what webhooks may reach is addresses, ranges and words, with commas between', () => {
  const WEBHOOK_ALLOW = '127.0.0.1, ::1,10.0.0.0/8,fd00::/8 ,private';
  expect(parseSettings({ WEBHOOK_ALLOW })).toMatchObject({ edgeVars: { WEBHOOK_ALLOW } });
  expect(webhookAllow.parse(WEBHOOK_ALLOW)).toEqual(['127.0.0.1/32', '::1/128', '10.0.0.0/8', 'fd00::/8', 'private']);
  expect(webhookAllow.parse(undefined)).toEqual([]);
});

test('only the settings of the edge that are set are passed on to it', () => {
  const settings = parseSettings({
    CONTAINER_IDLE_TIMEOUT: '60',
    ANTHROPIC_API_KEY: 'secret',
    JWT_SECRET: 'x'.repeat(32),
  });
  expect(settings).toMatchObject({ edgeVars: { CONTAINER_IDLE_TIMEOUT: '60' } });
  expect(settings).not.toHaveProperty('edgeVars.JWT_SECRET');
  expect(settings).not.toHaveProperty('edgeVars.ANTHROPIC_API_KEY');
});

let folder: string | undefined;
afterEach(async () => {
  delete process.env['CC_DOCKER_TEST_FILE'];
  delete process.env['CC_DOCKER_TEST_BOTH'];
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test('a line of .env counts where the environment says nothing', async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-env-'));
  const file = path.join(folder, '.env');
  await writeFile(file, '# a comment\nCC_DOCKER_TEST_FILE="from the file"\nCC_DOCKER_TEST_BOTH=from the file\n');
  process.env['CC_DOCKER_TEST_BOTH'] = 'from the environment';
  expect(loadEnvironment(file)).toMatchObject({
    CC_DOCKER_TEST_FILE: 'from the file',
    CC_DOCKER_TEST_BOTH: 'from the environment',
  });
});

test('a .env that cannot be read is refused, not passed over', async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-env-'));
  expect(loadEnvironment(folder)).toEqual({ refused: expect.stringContaining('cannot be read') });
});
