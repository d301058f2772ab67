import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { CLAUDE, nodeEnvironment } from '../../support/run/node-environment.ts';
import { script } from '../../support/e2e/client.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { OURS, startEdge, startRunner } from './support/parts.ts';
import { atMost } from '../../support/patience.ts';

/** `npm run backup` or `npm run restore` on this data folder. */
async function run(verb: 'backup' | 'restore', data: string, ...args: string[]) {
  return await runWith({}, verb, data, ...args);
}

async function runWith(more: Record<string, string>, verb: 'backup' | 'restore', data: string, ...args: string[]) {
  const env = { ...nodeEnvironment(), CLAUDE_PATH: CLAUDE, CC_DOCKER_DATA: data, ...more };
  const command = [path.join(PROJECT, 'scripts', 'backup.ts'), verb, ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { env });
    return { ok: true, said: stdout };
  } catch (error) {
    return { ok: false, said: error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error) };
  }
}

const read = (file: string) =>
  script({ tool: 'Bash', input: { command: `cat ${file}` } }, { text: '{{last_tool_result}}' });

test('a live service is backed up in mid-turn; all is lost and brought back: each log is whole, each session goes on', async () => {
  const data = scratch();
  const backup = path.join(scratch(), 'backup');
  const edge = await startEdge(OURS, data);
  const runner = await startRunner(OURS, edge.url, data);
  const { alice } = edge;
  const parked = await alice.createSession();
  await alice.ask(parked, script({ tool: 'Bash', input: { command: 'echo kept > kept.txt' } }, { text: 'Done.' }));
  await alice.park(parked);
  const busy = await alice.createSession();
  await alice.ask(busy, script({ text: 'One.' }));
  const wait = { tool: 'Bash', input: { command: 'echo mine > mine.txt; while [ ! -e go ]; do sleep 0.1; done' } };
  const message = await alice.tell(busy, script(wait, { text: 'Two.' }));
  await until(async () => expect(JSON.stringify(await alice.events(busy))).toContain('mine.txt'));
  const before = { parked: await alice.events(parked), busy: await alice.events(busy) };

  const made = await run('backup', data, backup);
  expect(made).toEqual({
    ok: true,
    said: expect.stringMatching(/^2 sessions \(\d+ objects\).*\nThe edge stood still for \d+ ms/),
  });
  expect(await run('backup', data, backup)).toMatchObject({ ok: false, said: expect.stringContaining('not empty') });
  expect(await run('restore', data, backup, '--overwrite')).toMatchObject({
    ok: false,
    said: expect.stringContaining('stop it'),
  });

  // The service goes on meanwhile. What happens now is not in the backup.
  await alice.raw('PUT', `/sessions/${busy}/files/go`, { body: '' });
  await until(async () => expect((await alice.message(busy, message)).status).toBe('completed'));
  await runner.end('SIGTERM');
  await edge.stop();
  await rm(data, { recursive: true });

  expect((await run('restore', data, backup)).said).toMatch(/^2 sessions/);
  expect(await run('restore', data, backup)).toMatchObject({ ok: false, said: expect.stringContaining('--overwrite') });
  const again = await run('restore', data, backup, '--overwrite');
  const aside = /now (\S+edge\.before-\S+)\./.exec(again.said)?.[1] ?? '';
  expect(existsSync(path.resolve(PROJECT, aside))).toBe(true);

  const restored = await startEdge(OURS, data);
  await startRunner(OURS, restored.url, data);
  const { alice: later } = restored;
  expect((await later.events(parked)).slice(0, before.parked.length)).toEqual(before.parked);
  expect((await later.events(busy)).slice(0, before.busy.length)).toEqual(before.busy);
  // Its container is gone, as after a kill, and the message says so.
  await until(async () => expect((await later.message(busy, message)).error?.code).toBe('runner_lost'));
  expect((await later.ask(busy, read('mine.txt'))).result).toContain('mine');
  expect((await later.ask(parked, read('kept.txt'))).result).toContain('kept');
  expect(JSON.parse(await readFile(path.join(backup, 'backup.json'), 'utf8')).paused_ms).toBeLessThan(atMost(5));
});

test('in the middle of a rush, what each object knows of the others is of one moment', async () => {
  const data = scratch();
  const backup = path.join(scratch(), 'backup');
  const unbounded = { MAX_SESSIONS_PER_USER: '100000', MAX_SESSIONS_PER_HOUR: '0', RATE_LIMIT_PER_OWNER: '0' };
  const edge = await startEdge(OURS, data, 0, unbounded);
  const { alice } = edge;
  const created: string[] = [];
  const over = new AbortController();
  const rush = async () => {
    while (!over.signal.aborted) {
      const id = await alice.createSession();
      created.push(id);
      await alice.tell(id, 'Said.');
    }
  };
  const rushes = Array.from({ length: 4 }, rush);
  await until(() => expect(created.length).toBeGreaterThan(40));
  const surely = [...created];
  expect(await run('backup', data, backup)).toMatchObject({ ok: true });
  over.abort();
  await Promise.all(rushes);
  await edge.stop();
  await rm(data, { recursive: true });

  expect(await run('restore', data, backup)).toMatchObject({ ok: true });
  const { alice: later } = await startEdge(OURS, data, 0, unbounded);
  const listed: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await later.call('GET', `/sessions?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
    listed.push(...body.data.map((session: { session_id: string }) => session.session_id));
    cursor = body.next_cursor;
  }
  expect(surely.filter((id) => !listed.includes(id))).toEqual([]);
  // A creation that was under way has an object that is not in its owner's list yet. Nobody was told of it.
  const { objects } = JSON.parse(await readFile(path.join(backup, 'backup.json'), 'utf8'));
  expect(objects.Session).toBeLessThanOrEqual(listed.length + rushes.length);
  for (const id of listed) {
    const session = await later.show(id);
    expect(session).toMatchObject({ session_id: id, status: 'queued' });
    const events = await later.events(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  }
});

test('snapshots that are elsewhere are never left out without a word: it refuses, or says where they are', async () => {
  const [data, restored] = [scratch(), scratch()];
  const edge = await startEdge(OURS, data);
  await edge.alice.createSession();
  await edge.stop();
  const s3 = { S3_BUCKET: 'agents', S3_ENDPOINT: 'https://s3.test' };
  const folders = { STORAGE_FOLDER: scratch() };
  const backup = (name: string) => path.join(data, '..', `${path.basename(data)}-${name}`);
  for (const [env, where] of [
    [s3, 'the bucket agents at https://s3.test'],
    [folders, `the folder ${folders.STORAGE_FOLDER}`],
  ] as const) {
    const refused = await runWith(env, 'backup', data, backup('a'));
    expect(refused).toEqual({
      ok: false,
      said: expect.stringContaining(`snapshots and artifacts are in ${where}, which`),
    });
    expect(existsSync(backup('a'))).toBe(false);
  }
  const made = await runWith(s3, 'backup', data, backup('b'), '--without-storage');
  onTestFinished(async () => await rm(backup('b'), { recursive: true }));
  expect(made).toMatchObject({
    ok: true,
    said: expect.stringContaining('Copy the bucket agents at https://s3.test now'),
  });
  const back = await run('restore', path.join(restored, 'data'), backup('b'));
  expect(back).toMatchObject({ ok: true, said: expect.stringMatching(/not in it: the bucket agents .* after \d{4}-/) });
  // An edge alone, such as the one of docker compose.
  const alone = await run('backup', data, backup('c'));
  onTestFinished(async () => await rm(backup('c'), { recursive: true }));
  expect(alone).toMatchObject({ ok: true, said: expect.stringContaining('no runner’s storage in this data folder') });
});
