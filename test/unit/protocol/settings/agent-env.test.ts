import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { issuesOf } from '../../../../protocol/issues.ts';
import { agentEnv, isReservedEnv } from '../../../../protocol/settings/agent/agent-env.ts';

function problems(env: unknown): string {
  const { error } = agentEnv.safeParse(env);
  return error === undefined
    ? 'none'
    : issuesOf(error)
        .map(({ path, message }) => `${path}: ${message}`)
        .join('; ');
}

test.each([
  {},
  {
    NODE_ENV: 'test',
    DATABASE_URL: 'postgres://db.test/x',
    _private: '',
    lower: 'a=b\nc',
    NODE_OPTIONS: '--trace-warnings',
  },
  {
    LANG: 'de_DE.UTF-8',
    JAVA_TOOL_OPTIONS: '-Xmx1g',
    GIT_AUTHOR_NAME: 'Ada',
    AWS_REGION: 'eu-west-1',
    PIP_INDEX_URL: 'x',
  },
  Object.fromEntries(Array.from({ length: 128 }, (_, at) => [`V${at}`, 'x'])),
  { BIG: 'x'.repeat(65_533) },
])('variables of any kind are taken: %#', (env) => {
  expect(agentEnv.parse(env)).toEqual(env);
});

describe('refused, with a sentence', () => {
  test.each([
    'HOME',
    'PATH',
    'HTTPS_PROXY',
    'https_proxy',
    'Https_Proxy',
    'no_proxy',
    'ALL_PROXY',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'ANTHROPIC_BASE_URL',
    'ANTHROPIC_API_KEY',
    'CLAUDE_CONFIG_DIR',
    'CLAUDECODE',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'BUN_OPTIONS',
    'npm_config_cafile',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'DISABLE_TELEMETRY',
  ])('%s', (name) => {
    expect(problems({ [name]: 'x' })).toMatch(new RegExp(`^${name}: .*CC-Docker sets itself`));
  });

  test.each([
    [{ '': 'x' }, 'name of a variable'],
    [{ '1A': 'x' }, 'name of a variable'],
    [{ 'A=B': 'x' }, 'name of a variable'],
    [{ 'A B': 'x' }, 'name of a variable'],
    [{ ['A'.repeat(129)]: 'x' }, 'name of a variable'],
    [{ ['A\0']: 'x' }, 'name of a variable'],
    [{ A: 'x\0y' }, 'NUL'],
    [{ A: 1 }, 'expected string'],
    [['A=1'], 'expected record'],
    [Object.fromEntries(Array.from({ length: 129 }, (_, at) => [`V${at}`, 'x'])), 'at most 128'],
    [{ BIG: 'ö'.repeat(32_767) }, 'at most 65536 bytes'],
  ])('%#', (env, why) => {
    expect(problems(env)).toContain(why);
  });
});

test('whatever is taken can be given to a process', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (env) => {
      const { data } = agentEnv.safeParse(env);
      for (const [name, value] of Object.entries(data ?? {})) {
        expect(name).toMatch(/^[A-Za-z_]\w*$/);
        expect(value).not.toContain('\0');
        expect(isReservedEnv(name)).toBe(false);
      }
    }),
  );
});
