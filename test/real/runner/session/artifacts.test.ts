import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { sharedFile } from '../../../../protocol/api/files/artifact.ts';
import type { FilesRequest, SessionFiles } from '../../../../protocol/api/files/files.ts';
import type { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { NEW_FILES, runRunner, sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };
const ARTIFACT = sessionId(7);
const FILES: SessionFiles = { ...NEW_FILES, version: 1 };
let transfers = 100;

/** Has a runner answer over a transfer. */
async function ask(edge: FakeEdge, request: FilesRequest, files = FILES) {
  const transfer_id = sessionId((transfers += 1));
  edge.order({ kind: 'transfer', session_id: KEY.session_id, transfer_id, files, request });
  const transfer = await edge.changes.until(() => edge.transfers.get(transfer_id));
  await edge.changes.until(() => transfer.frames.some(({ kind }) => kind === 'end' || kind === 'refused'));
  const refused = transfer.frames.find((frame) => frame.kind === 'refused')?.refusal;
  return {
    refused,
    head: transfer.frames.find((frame) => frame.kind === 'head'),
    bytes: Buffer.concat(transfer.bytes),
  };
}

const share = (at: string) => ({ op: 'share', artifact_id: ARTIFACT, path: at }) as const;
const read = (range: string | null = null) => ({ op: 'artifact', artifact_id: ARTIFACT, range }) as const;

async function running(storageFolder = scratch()) {
  const runner = await runRunner({ storageFolder });
  runner.launch(KEY);
  await runner.edge.line(KEY.session_id, (line) => line.includes('"resume"'));
  const file = path.join(runner.session(KEY), 'workspace', 'report.txt');
  writeFileSync(file, 'all is well');
  return { ...runner, storageFolder, file };
}

test('a file of a running session is kept, and read from another runner that never had the session', async () => {
  const { edge, storageFolder, file } = await running();
  const storage = (await edge.frame('hello')).storage.id;
  const shared = sharedFile.parse(JSON.parse((await ask(edge, share('./report.txt'))).bytes.toString()));
  const sha256 = createHash('sha256').update('all is well').digest('hex');
  expect(shared).toEqual({ path: 'report.txt', bytes: 11, sha256, storage, owner_bytes: expect.any(Number) });
  rmSync(file);
  const other = await runRunner({ storageFolder });
  // That the newest files are on the first runner alone does not matter.
  const elsewhere: SessionFiles = { ...FILES, version: 2, local: 'required' };
  const answer = await ask(other.edge, read(), elsewhere);
  expect(answer.bytes.toString()).toBe('all is well');
  expect(answer.head).toMatchObject({ size: 11, etag: `"${sha256}"` });
  expect((await ask(other.edge, read('bytes=4-5'), elsewhere)).bytes.toString()).toBe('is');
  expect(readdirSync(path.dirname(other.session(KEY)))).toEqual([]);
});

test('asked twice at the same moment it keeps one copy', async () => {
  const { edge, storageFolder } = await running();
  const answers = await Promise.all([ask(edge, share('report.txt')), ask(edge, share('report.txt'))]);
  const [first, second] = answers.map(({ bytes }) => sharedFile.parse(JSON.parse(bytes.toString())));
  expect(first).toEqual(second);
  const owner = path.join(storageFolder, 'owners', FILES.owner);
  expect(readdirSync(path.join(owner, 'packs'))).toHaveLength(1);
  expect(readdirSync(path.join(owner, 'trees'))).toEqual([`${ARTIFACT}.artifact`]);
});

test('what cannot be kept, or is not there, is refused', async () => {
  const { edge } = await running();
  expect((await ask(edge, share('none'))).refused).toMatchObject({ code: 'file_not_found' });
  expect((await ask(edge, share('../../../x'))).refused).toMatchObject({ code: 'path_invalid' });
  expect((await ask(edge, share('report.txt'), { ...FILES, quota_bytes: 10 })).refused).toMatchObject({
    code: 'quota_exceeded',
  });
  expect((await ask(edge, read())).refused).toMatchObject({ code: 'artifact_not_found' });
});

test('an artifact that is dropped is gone', async () => {
  const { edge } = await running();
  await ask(edge, share('report.txt'));
  edge.order({ kind: 'drop', owner: FILES.owner, trees: [{ snapshot_id: ARTIFACT, tree: 'artifact' }] });
  await expect
    .poll(async () => (await ask(edge, read())).refused)
    .toMatchObject({ code: 'artifact_not_found', detail: expect.stringContaining(ARTIFACT) });
});

test('a storage that is away is told without saying where it is', async () => {
  const { edge, storageFolder, lines } = await running();
  rmSync(storageFolder, { recursive: true });
  writeFileSync(storageFolder, 'no folder any more');
  const { refused } = await ask(edge, share('report.txt'));
  expect(refused).toMatchObject({ code: 'storage_unavailable' });
  expect(refused?.detail).not.toContain(storageFolder);
  expect(JSON.stringify(lines)).toContain('artifact not stored');
});
