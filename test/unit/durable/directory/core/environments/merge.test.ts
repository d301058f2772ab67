import fc from 'fast-check';
import { expect, test } from 'vitest';
import { begin } from '../../../../../../durable/directory/core/environments/begin.ts';
import { mergeConfig, mergeWorkspace } from '../../../../../../durable/directory/core/environments/merge.ts';
import { environmentRequest } from '../../../../../../protocol/api/environment.ts';
import { sessionConfig } from '../../../../../../protocol/api/session/session-config.ts';
import { createSessionRequest } from '../../../../../../protocol/api/session/session.ts';

const few = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { maxLength: 3 });
const mapOf = <T>(names: readonly string[], value: fc.Arbitrary<T>) =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });

/** What an environment and a session's settings can both say. */
const common = {
  env: optional(mapOf(['A', 'B', 'C'], fc.constantFrom('1', '2'))),
  network: optional(
    fc.record({ allow: few(fc.constantFrom('a.example', 'b.example')), presets: few(fc.constant('npm')) }),
  ),
  resources: optional(fc.record({ cpus: fc.constantFrom(1, 2) }, { requiredKeys: [] })),
  mcp_servers: optional(mapOf(['x', 'y'], fc.record({ command: fc.constantFrom('one', 'two') }))),
  secrets: optional(few(fc.constantFrom('npm', 'git', 'db'))),
  skills: optional(few(fc.constantFrom('review', 'deploy'))),
};
const given = (value: object) => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
const anyEnvironment = fc
  .record({ ...common, setup: optional(fc.constant('true')) })
  .map((value) => environmentRequest.parse(given(value)));
const anyConfig = fc
  .record({ ...common, model: optional(fc.constant('opus')), permission_mode: fc.constantFrom('ask', 'bypass') })
  .map((value) => sessionConfig.parse(given(value)));

test('what a session says wins, what it does not say is its environment’s, and once more changes nothing', () => {
  fc.assert(
    fc.property(anyConfig, anyEnvironment, (config, environment) => {
      const merged = mergeConfig(config, environment);
      expect(mergeConfig(merged, environment)).toEqual(merged);
      expect(merged).toMatchObject(given({ model: config.model, permission_mode: config.permission_mode }));
      expect(merged.network).toEqual(config.network ?? environment.network);
      for (const map of ['env', 'resources', 'mcp_servers'] as const) {
        expect(merged[map] ?? {}).toEqual({ ...environment[map], ...config[map] });
      }
      for (const list of ['secrets', 'skills'] as const) {
        const all = [...(environment[list] ?? []), ...config[list]];
        expect([...merged[list]].toSorted()).toEqual([...new Set(all)].toSorted());
      }
      expect(merged).not.toHaveProperty('setup');
      expect(sessionConfig.parse(merged)).toEqual(merged);
    }),
  );
});

test('the environment’s repositories are those of a workspace that names nothing to begin with', () => {
  const git = [{ repo: 'https://forge.example/a' }, { repo: 'https://forge.example/b', path: 'libs/b' }];
  const environment = environmentRequest.parse({ git });
  expect(mergeWorkspace({ type: 'ephemeral' }, environment)).toEqual({ type: 'ephemeral', git });
  expect(mergeWorkspace({ type: 'persistent', id: 'site' }, environment)).toMatchObject({ id: 'site', git });
  const snapshot = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
  for (const own of [
    { type: 'ephemeral' as const, git_repo: 'https://forge.example/c' },
    { type: 'ephemeral' as const, git: [] },
    { type: 'ephemeral' as const, snapshot },
    { type: 'clone' as const, id: 'site' },
  ])
    expect(mergeWorkspace(own, environment)).toEqual(own);
});

const secrets = (prefix: string) => Array.from({ length: 40 }, (_, n) => `${prefix}${n}`);
const SETTINGS = { ENVIRONMENT_IMAGES: [], MAX_MCP_SERVERS: 2 };
const chosen = (request: object) => ({
  name: 'tools',
  shared: false,
  revision: '0123456789ab',
  request: environmentRequest.parse(request),
});

test('what together is more than a session may have is refused, with the name of the setting', () => {
  const request = createSessionRequest.parse({ config: { mcp_servers: { a: { command: 'a' }, b: { command: 'b' } } } });
  const refused = begin(request, chosen({ mcp_servers: { c: { command: 'c' } } }), SETTINGS);
  expect(refused).toMatchObject({ refused: 'invalid_request', errors: [{ path: 'config.mcp_servers' }] });

  const many = createSessionRequest.parse({ config: { secrets: secrets('s') } });
  const over = begin(many, chosen({ secrets: secrets('e') }), SETTINGS);
  expect(over).toMatchObject({ refused: 'invalid_request', errors: [{ path: 'config.secrets' }] });
});

test('the settings keep what is of the session alone, and what is kept of the environment is what its image is built from', () => {
  const callback = { type: 'webhook' as const, url: 'https://hooks.example/' };
  const request = createSessionRequest.parse({ config: { callback, env: { A: 'session' } } });
  const environment = { setup: 'make', env: { A: '1', B: '2' }, skills: ['review'], ports: [{ port: 3000 }] };
  const begun = begin(request, chosen(environment), SETTINGS);
  if ('refused' in begun) throw new Error(begun.detail);
  expect(begun.request.config).toMatchObject({ callback, env: { A: 'session', B: '2' }, skills: ['review'] });
  expect(begun.environment).toEqual({
    of: { name: 'tools', shared: false, revision: '0123456789ab' },
    build: { setup: 'make', env: { A: '1', B: '2' } },
    ports: [{ port: 3000 }],
  });
});
