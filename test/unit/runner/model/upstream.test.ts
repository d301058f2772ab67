import { describe, expect, test } from 'vitest';
import { containerModelEnv, describeUpstream, modelUpstreamEnvironment } from '../../../../runner/model/upstream.ts';

const parse = (env: Record<string, string>) => modelUpstreamEnvironment.parse(env);

describe('the model that an environment asks for', () => {
  test('is the demo model with neither a credential nor a base URL, blank ones included', () => {
    expect(parse({})).toEqual({ kind: 'demo' });
    expect(parse({ ANTHROPIC_API_KEY: '', ANTHROPIC_BASE_URL: ' ' })).toEqual({ kind: 'demo' });
  });

  test.each([
    ['ANTHROPIC_API_KEY', 'api_key'],
    ['ANTHROPIC_AUTH_TOKEN', 'auth_token'],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'oauth_token'],
  ])('is Anthropic with %s, and the container gets a dummy of that kind', (name, kind) => {
    const upstream = parse({ [name]: ' secret-value\n' });
    expect(upstream).toEqual({
      kind: 'anthropic',
      baseUrl: 'https://api.anthropic.com',
      credential: { kind, value: 'secret-value' },
    });
    const env = containerModelEnv(upstream, '/run/cc-docker/model.sock');
    expect(Object.keys(env).toSorted()).toEqual(['ANTHROPIC_BASE_URL', 'ANTHROPIC_UNIX_SOCKET', name].toSorted());
    expect(JSON.stringify(env) + describeUpstream(upstream)).not.toContain('secret-value');
  });

  test('is a gateway without a credential, where only a base URL is set', () => {
    const upstream = parse({ ANTHROPIC_BASE_URL: 'http://10.0.0.1:4000/anthropic/' });
    expect(upstream).toEqual({ kind: 'anthropic', baseUrl: 'http://10.0.0.1:4000/anthropic', credential: undefined });
    expect(describeUpstream(upstream)).toBe('http://10.0.0.1:4000/anthropic without a credential');
  });

  test('is paid with the OAuth token, then the auth token, then the API key', () => {
    const all = { ANTHROPIC_API_KEY: 'a', ANTHROPIC_AUTH_TOKEN: 'b', CLAUDE_CODE_OAUTH_TOKEN: 'c' };
    expect(parse(all)).toMatchObject({ credential: { kind: 'oauth_token', value: 'c' } });
    expect(parse({ ...all, CLAUDE_CODE_OAUTH_TOKEN: '' })).toMatchObject({
      credential: { kind: 'auth_token', value: 'b' },
    });
  });

  test.each([
    [{ ANTHROPIC_BASE_URL: 'api.test' }, 'must be a URL'],
    [{ ANTHROPIC_BASE_URL: 'ftp://api.test' }, 'must be a URL'],
    [{ ANTHROPIC_BASE_URL: 'https://user:secret@api.test' }, 'must have no user'],
    [{ ANTHROPIC_API_KEY: 'two secret words' }, 'printable ASCII'],
  ])('is refused when malformed, without showing it: %o', (env, why) => {
    const { error } = modelUpstreamEnvironment.safeParse(env);
    expect(error?.message).toContain(why);
    expect(error?.message).not.toContain('secret');
  });
});
