import { expect, test } from 'vitest';
import { DUMMY_TOKEN, forgeLogins } from '../../../../runner/secrets/forge-logins.ts';
import { makeSecret, secretSource } from '../../../../runner/secrets/secret.ts';

function wire(...sources: object[]) {
  return sources.map((source, index) => {
    const made = makeSecret(
      `s${index}`,
      secretSource.parse({ value: 'canary-5f1d0a7e9b3c', ...source }),
      'canary-5f1d0a7e9b3c',
    );
    if (!made.ok || made.secret.kind !== 'wire') throw new Error('not a secret for the wire');
    return made.secret;
  });
}

test.each<[string, object[], Record<string, string>]>([
  ['nothing', [], {}],
  ['a host that is no forge’s', [{ hosts: ['api.example.com'], as: 'bearer' }], {}],
  ['GitHub', [{ as: 'github' }], { GH_TOKEN: DUMMY_TOKEN }],
  ['GitHub’s API as a plain bearer', [{ hosts: ['api.github.com'], as: 'bearer' }], { GH_TOKEN: DUMMY_TOKEN }],
  ['GitHub’s repositories without its API', [{ hosts: ['github.com'], as: 'git' }], {}],
  ['GitHub’s API in a header that gh does not send', [{ hosts: ['api.github.com'], as: { header: 'X-Key' } }], {}],
  [
    'a GitHub of one’s own',
    [{ hosts: ['github.example.com'], as: 'github' }],
    { GH_ENTERPRISE_TOKEN: DUMMY_TOKEN, GH_HOST: 'github.example.com' },
  ],
  [
    'both GitHubs: gh goes to github.com, unless a repository is of the other',
    [{ as: 'github' }, { hosts: ['github.example.com'], as: 'github' }],
    { GH_TOKEN: DUMMY_TOKEN, GH_ENTERPRISE_TOKEN: DUMMY_TOKEN },
  ],
  ['GitLab', [{ as: 'gitlab' }], { GITLAB_TOKEN: DUMMY_TOKEN }],
  [
    'a GitLab of one’s own on another port',
    [{ hosts: ['lab.example.com:8443'], as: 'gitlab' }],
    { GITLAB_TOKEN: DUMMY_TOKEN, GITLAB_HOST: 'lab.example.com:8443' },
  ],
  [
    'a Gitea',
    [{ hosts: ['*.example.org', 'tea.example.com:443'], as: 'gitea' }],
    {
      GITEA_TOKEN: DUMMY_TOKEN,
      GITEA_INSTANCE_URL: 'https://tea.example.com',
      GITEA_SERVER_TOKEN: DUMMY_TOKEN,
      GITEA_SERVER_URL: 'https://tea.example.com',
    },
  ],
])('the tools of a forge are logged in where a secret covers it: %s', (_name, sources, env) => {
  expect(forgeLogins(wire(...sources))).toEqual(env);
});
