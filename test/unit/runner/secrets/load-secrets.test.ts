import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadSecrets } from '../../../../runner/secrets/load-secrets.ts';
import { sessionSecrets } from '../../../../runner/secrets/session-secrets.ts';
import { scratch } from '../../../support/scratch.ts';

const CANARY = 'canary-5f1d0a7e9b3c';
const bearer = { value: CANARY, hosts: ['api.test'], as: 'bearer' };

function load(env: Record<string, unknown>, folder = path.join(scratch(), 'none')) {
  const texts = Object.entries(env).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return loadSecrets(Object.fromEntries(texts), folder);
}

function loaded(env: Record<string, unknown>, folder?: string) {
  const result = load(env, folder);
  if (!result.ok) throw new Error(result.problem);
  return result.secrets;
}

describe('the runner’s secrets', () => {
  test('come from variables and from files of the owner’s alone, under names in lower case', () => {
    const folder = scratch();
    const file = path.join(folder, 'from-file.json');
    writeFileSync(file, JSON.stringify({ file: 'token', hosts: ['*.git.test:8443'], as: 'git' }), { mode: 0o600 });
    writeFileSync(path.join(folder, 'token'), `${CANARY}\n`);
    const secrets = loaded({ CC_SECRET_MY_API: bearer, CC_SECRET_UNSET: '', OTHER: 'x' }, folder);
    expect([...secrets.keys()].sort()).toEqual(['from-file', 'my_api']);
    expect(secrets.get('from-file')?.reveal()).toBe(CANARY);
    expect(secrets.get('my_api')).toMatchObject({ kind: 'wire', as: 'bearer', http: false });

    chmodSync(file, 0o640);
    expect(load({}, folder)).toEqual({
      ok: false,
      problem: `${file} can be read by others than its owner: chmod 600 it`,
    });
  });

  test('of a well-known forge need no hosts', () => {
    const secrets = loaded({
      CC_SECRET_HUB: { value: CANARY, as: 'github' },
      CC_SECRET_LAB: { value: CANARY, as: 'gitlab' },
    });
    const hosts = (name: string) => {
      const secret = secrets.get(name);
      return secret?.kind === 'wire' ? secret.hosts.map(({ host }) => host) : [];
    };
    expect(hosts('hub')).toEqual(['github.com', 'api.github.com', 'uploads.github.com']);
    expect(hosts('lab')).toEqual(['gitlab.com']);
  });

  test('are not shown by logging one', () => {
    const secrets = loaded({ CC_SECRET_API: bearer, CC_SECRET_DB: { value: CANARY, expose: 'DATABASE_URL' } });
    expect(inspect(secrets, { depth: 9, showHidden: true }) + JSON.stringify([...secrets])).not.toContain(CANARY);
  });

  test.each<[string, unknown, string]>([
    [
      'the bare value',
      CANARY,
      'is not JSON: it must be such as {"value": "…", "hosts": ["api.example.com"], "as": "bearer"}',
    ],
    ['no hosts', { value: CANARY, as: 'bearer' }, 'must have "hosts"'],
    ['no way', { value: CANARY, hosts: ['api.test'] }, 'must have "as"'],
    [
      'an unknown way',
      { ...bearer, as: 'cookie' },
      'as must be "bearer", "git", "github", "gitlab", "gitea", {"header": "X-Api-Key"}',
    ],
    ['value and file', { ...bearer, file: 'x' }, 'must have either "value" or "file"'],
    ['neither', { hosts: ['api.test'], as: 'bearer' }, 'must have either "value" or "file"'],
    [
      'no such file',
      { file: '/nowhere/token', hosts: ['api.test'], as: 'bearer' },
      'its file /nowhere/token cannot be read (ENOENT)',
    ],
    ['every host', { ...bearer, hosts: ['*'] }, 'hosts 0 must name a host: no secret is good for every host'],
    ['every host on a port', { ...bearer, hosts: ['*:443'] }, 'must name a host'],
    ['a URL for a host', { ...bearer, hosts: ['https://api.test/'] }, 'hosts 0 must be a rule'],
    ['an address in disguise', { ...bearer, hosts: ['0x7f.1'] }, 'hosts 0 must be a host'],
    ['an unknown field', { ...bearer, host: 'x' }, 'Unrecognized key: "host"'],
    ['an empty value', { ...bearer, value: '' }, 'has an empty value'],
    ['a line break', { ...bearer, value: `${CANARY}\r\nX: y` }, 'does not fit into "Authorization"'],
    ['a forge of one’s own without its host', { value: CANARY, as: 'gitea' }, 'must have "hosts"'],
    ['a forge without TLS', { ...bearer, as: 'gitlab', http: true }, 'so it takes no "http"'],
    ['a line break in a forge’s token', { ...bearer, as: 'github', value: `${CANARY}\n` }, 'does not fit into'],
    [
      'a line break in a header',
      { ...bearer, as: { header: 'X' }, value: `${CANARY}\nY: z` },
      'does not fit into a header',
    ],
    ['a line break in a password', { ...bearer, as: 'git', value: `${CANARY}\n` }, 'has control characters'],
    [
      'a header that frames',
      { ...bearer, as: { header: 'Content-Length' } },
      'as header must be a header that can carry a credential',
    ],
    [
      'a colon in the username',
      { ...bearer, as: { basic: { username: 'a:b' } } },
      'as basic username must have no colon',
    ],
    ['exposed and sent', { ...bearer, expose: 'TOKEN' }, 'has "expose", so it takes no "hosts"'],
    ['exposed as a setting', { value: CANARY, expose: 'NODE_OPTIONS' }, 'expose must not be a variable that CC-Docker'],
    ['exposed as no variable', { value: CANARY, expose: 'A B' }, 'expose must be the name of an environment variable'],
  ])('with %s is refused in one line that names it and holds no value', (_what, source, why) => {
    const result = load({ CC_SECRET_API: source });
    if (result.ok) throw new Error('it was taken');
    expect(result.problem).toMatch(/^CC_SECRET_API\b/);
    expect(result.problem).toContain(why);
    expect(result.problem).not.toContain(CANARY);
    expect(result.problem).not.toContain('\n');
  });

  test('are refused where one is written down twice', () => {
    const folder = scratch();
    writeFileSync(path.join(folder, 'api.json'), JSON.stringify(bearer), { mode: 0o600 });
    expect(load({ CC_SECRET_API: bearer }, folder)).toEqual({
      ok: false,
      problem: `${path.join(folder, 'api.json')} is the same secret as CC_SECRET_API: remove one`,
    });
  });
});

const manySecrets = () =>
  loaded({
    CC_SECRET_API: bearer,
    CC_SECRET_DB: { value: 'postgres://u:p@db.test/x', expose: 'DATABASE_URL' },
    CC_SECRET_DB2: { value: 'postgres://u:p@db2.test/x', expose: 'DATABASE_URL' },
    CC_SECRET_OTHERS: { ...bearer, value: 'of-another-team' },
  });

describe('a session’s secrets', () => {
  test('are those that it names, and what must be inside is told by name', () => {
    const result = sessionSecrets(['API', 'db', 'api'], manySecrets());
    expect(result).toMatchObject({
      ok: true,
      wire: [{ name: 'api' }],
      exposedEnv: { DATABASE_URL: 'postgres://u:p@db.test/x' },
      exposedNames: ['db'],
    });
  });

  test('that are not there: it is told which and what to do, and nothing of the runner’s others', () => {
    const result = sessionSecrets(['api', 'deploy-key'], manySecrets());
    if (result.ok) throw new Error('it was found');
    expect(result.reason.code).toBe('secret_missing');
    expect(result.reason.detail).toContain('has no secret named "deploy-key"');
    expect(result.reason.detail).toContain('leave it out of config.secrets');
    expect(result.reason.detail).not.toMatch(/others|db/i);
  });

  test('that want the same variable are refused', () => {
    const result = sessionSecrets(['db', 'db2'], manySecrets());
    expect(result).toMatchObject({ ok: false, reason: { code: 'secret_missing' } });
    expect(JSON.stringify(result)).not.toContain('postgres');
  });
});
