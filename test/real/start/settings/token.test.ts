import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROJECT } from '../../../../start/lib/project.ts';
import { isRefused } from '../../../../start/lib/refused.ts';
import { ensureSecret } from '../../../../start/settings/secret.ts';
import { nodeEnvironment } from '../../../support/run/node-environment.ts';

const run = promisify(execFile);
const SECRET = 'a secret for tests, of more than 32 bytes';

let dataFolder: string;
beforeEach(async () => (dataFolder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-token-'))));
afterEach(async () => await rm(dataFolder, { recursive: true, force: true }));

/** As `npm run --silent token -- ARGS`. */
async function token(args: string[], env: Record<string, string> = { JWT_SECRET: SECRET }) {
  const script = path.join(PROJECT, 'scripts', 'token.ts');
  const given = { ...nodeEnvironment(), JWT_SECRET: '', CC_DOCKER_DATA: dataFolder, ...env };
  return await run(process.execPath, [script, ...args], { env: given }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}

const claims = async (jwt: string, secret = SECRET) =>
  (await jwtVerify(jwt.trim(), new TextEncoder().encode(secret), { algorithms: ['HS256'] })).payload;

test("prints a user's token and nothing else, good for 12 hours", async () => {
  const { code, stdout, stderr } = await token(['--sub', 'alice']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { sub, exp = 0, iat = 0, scope } = await claims(stdout);
  expect({ sub, seconds: exp - iat, scope }).toEqual({ sub: 'alice', seconds: 43_200, scope: undefined });
  expect(decodeProtectedHeader(stdout.trim()).typ).toBe('JWT');
});

const SESSION = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';

test('--ttl, --scope and --sid are in the token', async () => {
  const { stdout } = await token(['--sub', 'alice', '--ttl', '7d', '--scope', 'files:read', '--sid', SESSION]);
  const { exp = 0, iat = 0, scope, sid } = await claims(stdout);
  expect({ seconds: exp - iat, scope, sid }).toEqual({ seconds: 604_800, scope: 'files:read', sid: SESSION });
});

test('--kind runner makes a code, good for an hour', async () => {
  const { stdout } = await token(['--sub', 'host-1', '--kind', 'runner']);
  expect(decodeProtectedHeader(stdout.trim()).typ).toBe('runner-code+jwt');
  const { sub, exp = 0, iat = 0, jti } = decodeJwt(stdout.trim());
  expect({ sub, seconds: exp - iat, jti }).toEqual({ sub: 'host-1', seconds: 3600, jti: expect.any(String) });
});

test('--kind login makes a code for a token, good for ten minutes', async () => {
  const { stdout } = await token(['--sub', 'alice', '--kind', 'login', '--scope', 'sessions:read admin']);
  expect(decodeProtectedHeader(stdout.trim()).typ).toBe('login-code+jwt');
  const { sub, exp = 0, iat = 0, jti, scope } = decodeJwt(stdout.trim());
  expect({ sub, seconds: exp - iat, jti, scope }).toEqual({
    sub: 'alice',
    seconds: 600,
    jti: expect.any(String),
    scope: 'sessions:read admin',
  });
});

test('without JWT_SECRET it signs with the development secret that npm start made', async () => {
  const made = ensureSecret({ jwtSecret: undefined, dataFolder });
  if (isRefused(made)) throw new Error(made.refused);
  const { stdout } = await token(['--sub', 'alice'], {});
  expect(await claims(stdout, made.value)).toMatchObject({ sub: 'alice' });
});

test.each([
  [['--sub', 'alice'], {}, /^no secret: set JWT_SECRET/],
  [[], undefined, /^--sub NAME is missing/],
  [['--sub', 'a', '--ttl', '12'], undefined, /^--ttl must be a duration/],
  [['--sub', 'a', '--ttl', '0h'], undefined, /^--ttl must be a duration/],
  [['--sub', 'a', '--kind', 'admin'], undefined, /^--kind must be user, login, runner or service/],
  [['--sub', 'a b', '--kind', 'runner'], undefined, /^--sub of a runner must be/],
  [['--sub', 'a', '--scope', 'sessions:read all'], undefined, /^--scope has all, which is none of sessions:read, /],
  [['--sub', 'a', '--scope', ' '], undefined, /^--scope names nothing/],
  [['--sub', 'a', '--kind', 'runner', '--scope', 'admin'], undefined, /^--scope is for a user’s token/],
  [['--sub', 'a', '--sid', 'mine'], undefined, /^--sid must be the id of a session/],
  [['--sub', 'a', '--force'], undefined, /^Unknown option '--force'/],
  [['--sub', 'a'], { JWT_SECRET: 'short' }, /^JWT_SECRET must be at least 32/],
])('%j is one clear line and exit code 1', async (args, env, line) => {
  const { code, stdout, stderr } = await token(args, env);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(line);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
