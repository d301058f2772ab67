import { expect, test } from 'vitest';
import { directWays } from '../../../../start/edge/direct-ways.ts';

test('where a proxy is set, what the edge dials without it is named', () => {
  expect(directWays({ NO_PROXY: '*' }, { DISCORD_BOT_TOKEN: 'x' })).toBeUndefined();
  const proxied = { https_proxy: 'http://user:secret@proxy.test:3128' };
  expect(directWays(proxied, {})).toContain('it dials webhooks directly');
  const said = directWays(proxied, { DISCORD_BOT_TOKEN: 'x', JWT_JWKS_URL: 'https://id.test', REDIS: '' });
  expect(said).toContain('it dials Discord, the key set, webhooks directly');
  expect(said).not.toContain('secret');
});
