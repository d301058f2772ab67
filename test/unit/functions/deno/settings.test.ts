import { expect, it } from 'vitest';
import { parseRemoteSettings } from '../../../../functions/deno/settings.ts';

const SET = {
  EDGE_OBJECTS_URL: 'https://cc.example.org/',
  EDGE_SERVICE_TOKEN: 'a.b.c',
  JWT_SECRET: 'known to every test and of no use elsewhere',
};

it('takes the edge’s settings and its own, and nothing else of the environment', () => {
  const parsed = parseRemoteSettings({ ...SET, PORT: '', MAX_SPAWN_DEPTH: '2', HOME: '/root' });
  expect(parsed).toEqual({
    remote: { EDGE_OBJECTS_URL: 'https://cc.example.org', EDGE_SERVICE_TOKEN: 'a.b.c', HOST: '127.0.0.1', PORT: 8000 },
    edge: { JWT_SECRET: SET.JWT_SECRET, MAX_SPAWN_DEPTH: '2' },
  });
});

it.each([
  ['a setting of the edge', { MAX_VIEWERS_PER_SESSION: 'many' }, /MAX_VIEWERS_PER_SESSION must be a whole number/],
  ['an address that is none', { EDGE_OBJECTS_URL: 'cc.example.org' }, /EDGE_OBJECTS_URL must be an http/],
  ['a port that is none', { PORT: '70000' }, /PORT must be a whole number from 0 to 65535/],
  ['a secret that is too short', { JWT_SECRET: 'short' }, /JWT_SECRET must be at least 32 characters/],
])('refuses %s that does not fit, by its name', (_, wrong, sentence) => {
  expect(parseRemoteSettings({ ...SET, ...wrong })).toEqual({ refused: expect.stringMatching(sentence) });
});
