import { describe, expect, test } from 'vitest';
import { urlOf } from '../../../cli/verbs/service/login.ts';
import { secondsOf } from '../../../cli/verbs/service/token.ts';
import { directionOf, placeOf } from '../../../cli/verbs/files/place.ts';
import { staysWithin } from '../../../cli/verbs/files/safe-entry.ts';
import { chooseSession } from '../../../cli/names/find-session.ts';

const session = (end: string, title: string | null, last_activity: string) => ({
  session_id: `01a22bc7-1ae1-74f6-b67d-${end}`,
  title,
  last_activity,
});
const SESSIONS = [
  session('00008f970d1b', 'Fix the build', '2026-11-30T08:00:00Z'),
  session('00006556d3fc', null, '2026-11-30T09:00:00Z'),
  session('aaaa6556d3fc', 'build', '2026-11-30T07:00:00Z'),
];

describe('a session', () => {
  test.each([
    ['8f970d1b', 0],
    ['8F970D1B', 0],
    ['aaaa6556d3fc', 2],
    ['fix the build', 0],
    ['build', 2],
    ['last', 1],
  ])('is found as %s', (name, index) => {
    expect(chooseSession(SESSIONS, name)).toBe(SESSIONS[index]?.session_id);
  });

  test.each([
    ['6556d3fc', '6556d3fc is 2 sessions'],
    ['01a22bc7', '01a22bc7 is 3 sessions'],
    ['nobody', 'No session is called nobody'],
    ['d1b', 'No session is called d1b'],
  ])('%s is not one', (name, why) => {
    expect(() => chooseSession(SESSIONS, name)).toThrow(why);
  });
});

describe('an end of a copy', () => {
  test.each([
    ['last:notes.md', { session: 'last', path: 'notes.md' }],
    ['8f970d1b:', { session: '8f970d1b', path: '' }],
    ['build:/workspace/a/b', { session: 'build', path: 'a/b' }],
    ['build:/workspace', { session: 'build', path: '' }],
    ['notes.md', { session: null, path: 'notes.md' }],
    ['./a:b', { session: null, path: './a:b' }],
    ['/tmp/a:b', { session: null, path: '/tmp/a:b' }],
    ['-', { session: null, path: '-' }],
  ])('%s', (text, place) => {
    expect(placeOf(text)).toEqual(place);
  });

  test('is a session’s once', () => {
    expect(directionOf(placeOf('a:x'), placeOf('y'))).toEqual({ download: { session: 'a', path: 'x', to: 'y' } });
    expect(directionOf(placeOf('y'), placeOf('a:x'))).toEqual({ upload: { session: 'a', path: 'x', from: 'y' } });
    expect(() => directionOf(placeOf('x'), placeOf('y'))).toThrow('One end');
    expect(() => directionOf(placeOf('a:x'), placeOf('b:y'))).toThrow('One end');
  });
});

test.each([
  [{ type: 'File', path: './a/b' }, true],
  [{ type: 'File', path: '../b' }, false],
  [{ type: 'File', path: 'a/../../b' }, false],
  [{ type: 'File', path: '/etc/passwd' }, false],
  [{ type: 'SymbolicLink', path: 'a/b', linkpath: '../c' }, true],
  [{ type: 'SymbolicLink', path: 'a/b', linkpath: '../../c' }, false],
  [{ type: 'SymbolicLink', path: 'b', linkpath: '/etc' }, false],
  [{ type: 'Link', path: 'b', linkpath: '../c' }, false],
  [{ type: 'CharacterDevice', path: 'b' }, false],
])('of an archive, %j stays within its folder: %s', (entry, stays) => {
  expect(staysWithin(entry)).toBe(stays);
});

test('a URL to log in to may have its code, and no scheme', () => {
  expect(urlOf('http://127.0.0.1:8000/#code=abc')).toEqual({ url: 'http://127.0.0.1:8000', code: 'abc' });
  expect(urlOf('example.org:8000/')).toEqual({ url: 'http://example.org:8000', code: undefined });
  expect(() => urlOf('http://')).toThrow('is no URL');
});

test('a time', () => {
  expect([secondsOf('90s'), secondsOf('30m'), secondsOf('12h'), secondsOf('7d')]).toEqual([90, 1800, 43_200, 604_800]);
  expect(() => secondsOf('0s')).toThrow('--ttl');
  expect(() => secondsOf('soon')).toThrow('--ttl');
});
