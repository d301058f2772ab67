import { expect, test } from 'vitest';
import { buildFailure, type BuildEnd } from '../../../../../runner/session/environment/builds/failure.ts';

const LIMITS = { timeoutSeconds: 60, imageMb: 100, files: 1000, resources: { memory_mb: 512, pids: 64 } };
const END: BuildEnd = {
  code: 1,
  outOfMemory: false,
  timedOut: false,
  full: undefined,
  report: undefined,
  stderr: '',
  output: 'the last words\n',
  refused: [],
};
const failed = { report: 'setup_failed', code: 3, signal: null, line: 2, out_of_pids: false } as const;
const of = (end: Partial<BuildEnd>) => buildFailure({ ...END, ...end }, LIMITS);

test('a build that went well has no failure, though a process of it ran out of memory', () => {
  expect(of({ code: 0, outOfMemory: true, report: { report: 'done', env: {} } })).toBeUndefined();
});

test.each<[string, Partial<BuildEnd>, string, RegExp, (number | null)?]>([
  [
    'code and line',
    { report: failed },
    'environment_failed',
    /^`setup` exited with code 3 at line 2\.\n.*\nthe last words$/,
    2,
  ],
  [
    'a signal',
    { report: { ...failed, code: null, signal: 'SIGSEGV', line: null } },
    'environment_failed',
    /ended by SIGSEGV\./,
    null,
  ],
  [
    'what bash could not read',
    { report: { ...failed, line: null }, output: '/run/cc-docker/setup: line 7: syntax error\n' },
    'environment_failed',
    /at line 7\./,
    7,
  ],
  [
    'hosts that were refused',
    { report: failed, refused: ['x.test:443 (no rule)'] },
    'environment_failed',
    /refused: x\.test:443 \(no rule\)\./,
    2,
  ],
  ['memory', { report: failed, outOfMemory: true }, 'out_of_memory', /512 MB of memory/, 2],
  ['memory of its program', { code: 137, outOfMemory: true }, 'out_of_memory', /512 MB/],
  ['processes', { report: { ...failed, out_of_pids: true } }, 'out_of_pids', /64 processes/, 2],
  ['processes for long', { code: 70, report: { report: 'out_of_pids' } }, 'out_of_pids', /64 processes/],
  ['time', { code: 137, timedOut: true }, 'environment_timeout', /60 s \(ENVIRONMENT_BUILD_TIMEOUT/],
  ['bytes', { code: 137, full: { limit: 'mb', used: 120 } }, 'environment_too_large', /120 MB, and 100 MB/],
  ['files', { code: 137, full: { limit: 'files', used: 2000 } }, 'environment_too_large', /2000 files, and 1000/],
  ['programs', { report: { report: 'missing', programs: ['git'] } }, 'environment_image_unfit', /lacks git/],
  [
    'another C library',
    { code: 127, stderr: '[FATAL tini (7)] exec /opt/cc-docker/bin/node failed: No such file or directory' },
    'environment_image_unfit',
    /glibc/,
  ],
  [
    'an old C library',
    { stderr: "node: libc.so.6: version `GLIBC_2.28' not found" },
    'environment_image_unfit',
    /too old.*GLIBC_2\.28/,
  ],
  [
    'the seal',
    { code: 71, report: { report: 'seal_broken', detail: 'network: a card' } },
    'seal_broken',
    /network: a card/,
  ],
  [
    'an earlier session image',
    { stderr: "cc-docker wrapper: ENOENT: no such file or directory, open 'build'" },
    'environment_unavailable',
    /npm run image/,
  ],
  ['no word', { code: 137 }, 'environment_failed', /exited with code 137, and did not say why/],
])('a build that failed by %s says so', (_, end, code, detail, line = null) => {
  const failure = of(end);
  expect(failure?.reason.code).toBe(code);
  expect(failure?.reason.detail).toMatch(detail);
  expect(failure?.line).toBe(line);
});
