import { mkdir, readdir, readFile, readlink, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeSessionFolders, sessionFolders, type SessionFolders } from '../../../../../runner/lib/session-folders.ts';
import { claimFolders, finishClaims, giveUpClaim } from '../../../../../runner/session/warm/claim-folders.ts';
import { scratch } from '../../../../support/scratch.ts';

const SPARE = '0190a0a0-0000-4000-8000-000000000001';
const SESSION = '0190a0a0-0000-7000-8000-000000000002';

async function scene() {
  const root = scratch();
  const [spares, sessions] = [path.join(root, 'spares'), path.join(root, 'sessions')];
  const spare = sessionFolders(spares, SPARE);
  const session = sessionFolders(sessions, SESSION);
  for (const folders of [spare, session]) await makeSessionFolders(folders, undefined);
  await put(spare, {
    'run/spare.json': '{}',
    'run/hosts': 'of the spare, and longer than the other',
    'claude/.claude.json': 'spare',
    'process.json': 'pid',
  });
  await put(session, {
    'run/launch.json': 'launch',
    'run/hosts': 'of the session',
    'run/sockets/streams.sock': 'socket',
    'workspace/src/a.txt': 'a',
    'workspace/b.txt': 'b',
    'claude/.claude.json': 'session',
    'files.json': 'record',
  });
  return { spares, sessions, spare, session };
}

async function put({ root }: SessionFolders, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
}

const text = ({ root }: SessionFolders, name: string) => readFile(path.join(root, name), 'utf8');

async function expectWhole(session: SessionFolders): Promise<void> {
  for (const [name, content] of [
    ['run/launch.json', 'launch'],
    ['run/sockets/streams.sock', 'socket'],
    ['workspace/src/a.txt', 'a'],
    ['workspace/b.txt', 'b'],
    ['claude/.claude.json', 'session'],
    ['files.json', 'record'],
  ] as const)
    expect(await text(session, name)).toBe(content);
  expect((await readdir(session.root)).filter((name) => name.endsWith('.before-claim'))).toEqual([]);
}

test('the spare’s folders, which its container has mounted, are the session’s, with all that the session had', async () => {
  const { spares, spare, session } = await scene();
  const names = ['workspace', 'run', 'run/hosts'];
  const inodes = await Promise.all(names.map((name) => stat(path.join(spare.root, name))));
  await claimFolders(spare, session, false);
  const after = await Promise.all(names.map((name) => stat(path.join(session.root, name))));
  expect(after.map(({ ino }) => ino)).toEqual(inodes.map(({ ino }) => ino));
  await expectWhole(session);
  // The container has this file mounted by itself, so that it sees this.
  expect(await text(session, 'run/hosts')).toBe('of the session');
  expect(await text(session, 'process.json')).toBe('pid');
  expect(await readdir(session.run)).not.toContain('spare.json');
  expect(await readdir(spares)).toEqual([]);
});

test('where a process knows its folders by their paths, these go on leading to them, and its temporary files stay', async () => {
  const { spare, session } = await scene();
  await put(session, { 'tmp/mine.txt': 'temporary' });
  await claimFolders(spare, session, true);
  await expectWhole(session);
  expect(await readlink(spare.workspace)).toBe(session.workspace);
  expect(await text(spare, 'workspace/b.txt')).toBe('b');
  expect(await readlink(session.tmp)).toBe(spare.tmp);
  expect([await text(spare, 'tmp/mine.txt'), await text(session, 'tmp/mine.txt')]).toEqual(['temporary', 'temporary']);
});

test.each(['run', 'tmp', 'home', 'claude', 'workspace'] as const)(
  'a claim that is cut short at %s has lost nothing of the session’s',
  async (name) => {
    for (const [what, cut] of [
      ['the session’s folder is aside', async () => {}],
      ['the spare’s has come', async ({ spare, session }: Cut) => rename(spare[name], session[name])],
    ] as const) {
      const { spares, sessions, spare, session } = await scene();
      await writeFile(`${spare.root}.claim`, SESSION);
      await rename(session[name], `${session[name]}.before-claim`);
      await cut({ spare, session });
      await finishClaims(spares, sessions);
      await expectWhole(session);
      expect(await readdir(spares), what).not.toContain(`${SPARE}.claim`);
    }
  },
);

interface Cut {
  spare: SessionFolders;
  session: SessionFolders;
}

test('a claim that fails leaves the session as it was', async () => {
  const { spare, session } = await scene();
  await rename(session.workspace, `${session.workspace}.before-claim`);
  await giveUpClaim(spare, session);
  await expectWhole(session);
});

test('a runner that never had a spare has nothing to end', async () => {
  const root = scratch();
  await expect(finishClaims(path.join(root, 'spares'), path.join(root, 'sessions'))).resolves.toBeUndefined();
});
