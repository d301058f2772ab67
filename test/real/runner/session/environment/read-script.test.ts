import { execFile } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  readOutput,
  readScript,
  type ReadFile,
} from '../../../../../runner/session/environment/devcontainer/read-script.ts';
import { scratch } from '../../../../support/scratch.ts';
import { Forge } from '../../../../support/wrapper/forge.ts';
import { atMost } from '../../../../support/patience.ts';

const MARK = 'mark-1';
const FILE = '.devcontainer/devcontainer.json';
let forge: Forge;
const commits: Record<string, string> = {};

beforeAll(async () => {
  forge = await Forge.start();
  const make = (name: string, files: Record<string, string>) => {
    const [commit = ''] = forge.repository(name, files);
    commits[name] = commit;
  };
  make('app', { [FILE]: '{"image": "main"}', '.devcontainer.json': '{"image": "other"}', big: 'x'.repeat(100_000) });
  make('flat', { '.devcontainer.json': '{"name": "Ünï"}' });
  make('none', { 'README.md': 'x' });
  make('folder', { '.devcontainer/devcontainer.json/x': 'x', '.devcontainer.json': '{"image": "flat"}' });
  make('big', { [FILE]: `{"a": "${'x'.repeat(80_000)}"}` });
  make('empty', { [FILE]: '' });
  make('link', { other: '{"image": "linked"}', '.devcontainer/x': 'x' });
  symlinkSync('../other', path.join(forge.folderOf('link'), FILE));
  forge.git('link', 'add', '.');
  forge.git('link', 'commit', '-q', '-m', 'a link');
  forge.git('app', 'switch', '-q', '-c', 'next');
  make('app', { [FILE]: '{"image": "next"}' });
  forge.git('app', 'tag', 'v1');
  forge.git('app', 'update-ref', 'refs/pull/1/head', 'next');
  forge.git('app', 'switch', '-q', 'main');
});
afterAll(async () => await forge?.[Symbol.asyncDispose]());

/** Runs the script as a build container does. */
async function run(name: string, branch?: string): Promise<ReadFile | undefined> {
  const repo = name.startsWith('http') || name.includes(' ') ? name : `${forge.url}/${name}`;
  const env = { PATH: '/usr/bin:/bin', HOME: scratch(), TMPDIR: scratch(), GIT_CONFIG_NOSYSTEM: '1' };
  const script = readScript({ repo, branch }, MARK);
  const { stdout } = await promisify(execFile)('bash', ['-eE', '-c', script], { env, timeout: atMost(20) });
  return readOutput(stdout, MARK);
}

const textOf = async (name: string, branch?: string) => (await run(name, branch))?.file?.text;

test('the file is read of what is asked for: the first of the two, or the other', async () => {
  expect(await run('app')).toMatchObject({ file: { path: FILE, text: '{"image": "main"}' } });
  expect(await run('flat')).toEqual({
    commit: commits['flat'],
    file: { path: '.devcontainer.json', text: '{"name": "Ünï"}' },
  });
  for (const branch of ['next', 'refs/heads/next', 'v1', 'refs/tags/v1', 'refs/pull/1/head', commits['app']])
    expect([branch, await textOf('app', branch)]).toEqual([branch, '{"image": "next"}']);
  expect(await textOf('empty')).toBe('');
});

test('what is none is none: a folder, a link to somewhere, nothing', async () => {
  expect(await run('none')).toEqual({ commit: commits['none'], file: null });
  expect(await textOf('folder')).toBe('{"image": "flat"}');
  // Git knows a link by where it leads to. Nothing follows it.
  expect(await textOf('link')).toBe('../other');
});

test('of a long file comes so much that it is seen to be too long', async () => {
  expect(Buffer.byteLength((await textOf('big')) ?? '')).toBe(64 * 1024 + 1);
});

test.each([
  ['not-there', undefined, /not found/],
  ['app', 'nowhere', /couldn't find remote ref nowhere/],
  ["https://forge.invalid/o/r'; touch owned #", undefined, /Could not resolve host|unable to access/],
  ['--upload-pack=touch owned', undefined, /transport|protocol|not appear to be a git|strange/],
])('of what cannot be had, git says why: %s %s', async (name, branch, why) => {
  await expect(run(name, branch)).rejects.toThrow(why);
});

test('output that was cut short, or that somebody else wrote, does not count', () => {
  const whole = `noise\n${MARK} commit abc\n${MARK} file ${FILE}\n${MARK} content e30=\n${MARK} end\n`;
  expect(readOutput(whole, MARK)).toEqual({ commit: 'abc', file: { path: FILE, text: '{}' } });
  expect(readOutput(whole.replace(`${MARK} end\n`, ''), MARK)).toBeUndefined();
  expect(readOutput(whole, 'another')).toBeUndefined();
});
