import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseRule } from '../../../../runner/egress/policy/rule.ts';
import { addressForwards, hostsFile } from '../../../../runner/egress/policy/forward-hosts.ts';
import { makeSecret, secretSource } from '../../../../runner/secrets/secret.ts';
import { planEgress, type EgressDependencies } from '../../../../runner/session/container/session-egress.ts';
import { NO_EGRESS, runRunner, sessionId } from '../../../support/runner/running-runner.ts';

function secret(name: string, source: object) {
  const made = makeSecret(name, secretSource.parse({ value: 'canary', ...source }), 'canary');
  if (!made.ok) throw new Error(made.problem);
  return made.secret;
}
const SECRETS = new Map([
  ['api', secret('api', { hosts: ['api.example.com'], as: 'bearer' })],
  ['db', secret('db', { expose: 'DATABASE_URL' })],
]);
const registry = parseRule('registry.example.com');
const PACKAGES = { rules: registry === undefined ? [] : [registry], env: { npm_config_registry: 'https://r.example' } };
const dependencies: EgressDependencies = { ...NO_EGRESS, secrets: SECRETS, packages: async () => PACKAGES };
const plan = async (config: Parameters<typeof planEgress>[0], sealed = true) =>
  await planEgress(config, dependencies, sealed);

test('each host of a forward has an address of its own, and its name stands in the hosts file', () => {
  const forwards = addressForwards([
    { host: 'db.example.com', port: 5432 },
    { host: 'cache.example.com', port: 6379 },
    { host: 'db.example.com', port: 5433 },
  ]);
  expect(forwards.map(({ address, port }) => [address, port])).toEqual([
    ['127.77.0.1', 5432],
    ['127.77.0.2', 6379],
    ['127.77.0.1', 5433],
  ]);
  expect(hostsFile(forwards).split('\n')).toEqual([
    '127.0.0.1 localhost localhost.localdomain session',
    '::1 localhost ip6-localhost ip6-loopback',
    '127.77.0.1 db.example.com',
    '127.77.0.2 cache.example.com',
    '',
  ]);
  const many = addressForwards(Array.from({ length: 256 }, (_, n) => ({ host: `h${n}`, port: 5432 })));
  expect(many.at(-1)?.address).toBe('127.77.1.0');
  expect(new Set(many.map(({ address }) => address)).size).toBe(256);
});

test('a preset or a secret that the runner does not have is the reason why a session does not start', async () => {
  expect(await plan({ network: { allow: [], presets: ['intranet'] }, secrets: [] })).toMatchObject({
    ok: false,
    reason: { code: 'preset_missing', detail: expect.stringContaining('intranet') },
  });
  expect(await plan({ secrets: ['nobodys'] })).toMatchObject({
    ok: false,
    reason: { code: 'secret_missing', detail: expect.stringContaining('nobodys') },
  });
});

test('an exposed secret is inside under its variable; one that goes on the wire is not', async () => {
  const planned = await plan({ secrets: ['api', 'db'] });
  expect(planned).toMatchObject({
    ok: true,
    plan: { exposedEnv: { DATABASE_URL: 'canary' }, exposedNames: ['db'], wire: [{ name: 'api' }] },
  });
});

test('without a seal there is no way to put a secret in, and that is said', async () => {
  expect(await plan({ secrets: ['api'] }, false)).toMatchObject({
    ok: false,
    reason: { code: 'secret_missing', detail: expect.stringContaining('docker backend') },
  });
  expect(await plan({ secrets: ['db'] }, false)).toMatchObject({ ok: true });
});

const never = () => Promise.reject(new Error('asked for'));

test('with the preset packages, package managers go to the runner’s registries; without it nothing is looked for', async () => {
  const planned = await plan({ network: { allow: [], presets: ['packages'] }, secrets: [] });
  expect(planned).toMatchObject({ ok: true, plan: { packageEnv: PACKAGES.env } });
  expect(await planEgress({ secrets: [] }, { ...dependencies, packages: never }, true)).toMatchObject({ ok: true });
});

test('a session of an unknown preset ends with that reason, and no container is made', async () => {
  const { edge, launch, session } = await runRunner();
  const key = { session_id: sessionId(1), epoch: 1 };
  launch(key, { network: { allow: [], presets: ['intranet'] } });
  expect((await edge.frame('ended')).reason.code).toBe('preset_missing');
  expect(existsSync(session(key))).toBe(false);
});

test('a session hears which secrets are inside, and that without a seal it has no limits', async () => {
  const { edge, launch, session } = await runRunner({ egress: { secrets: SECRETS } });
  const key = { session_id: sessionId(1), epoch: 1 };
  launch(key, { secrets: ['db'], resources: { memory_mb: 256 } });
  expect(await edge.frame('started')).toMatchObject({ exposed_secrets: ['db'], resources: null });
  const launched = JSON.parse(readFileSync(path.join(session(key), 'run', 'launch.json'), 'utf8'));
  expect(launched).toMatchObject({ seal: false, env: { DATABASE_URL: 'canary' } });
  expect(launched.egress).toBeUndefined();
  expect(Object.keys(launched.env)).not.toContain('HTTPS_PROXY');
});
