import { expect, test } from 'vitest';
import { debianSources, renderSources } from '../../support/docker/apt-sources.ts';

const DEBIAN = `Types: deb
# a comment between fields
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
`;
const VENDOR = `Types: deb
URIs: https://vendor.test/apt
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/vendor.gpg
`;
const OLD_STYLE = `# deb http://no.test/debian bookworm main
deb [arch=amd64] http://mirror.test/debian bookworm main contrib # ours
deb-src http://mirror.test/debian bookworm main
deb http://vendor.test/apt bookworm stable
`;

test('of a machine’s sources Debian’s own are taken, with their updates and security fixes', () => {
  expect(debianSources([DEBIAN, VENDOR], 'bookworm')).toEqual([
    { uri: 'http://mirror.test/debian', suites: ['bookworm', 'bookworm-updates'] },
    { uri: 'http://mirror.test/debian-security', suites: ['bookworm-security'] },
  ]);
});

test('the older one-line form is understood too', () => {
  expect(debianSources([OLD_STYLE], 'bookworm')).toEqual([{ uri: 'http://mirror.test/debian', suites: ['bookworm'] }]);
});

test('what is written for an image is read back as the same sources', () => {
  const sources = debianSources([DEBIAN], 'bookworm');
  expect(debianSources([renderSources(sources)], 'bookworm')).toEqual(sources);
});
