import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../../runner/lib/log.ts';
import { FolderStore } from '../../../../runner/storage/folder-store.ts';
import { StorageUnavailable, type ObjectStore } from '../../../../runner/storage/object-store.ts';
import { openStorage } from '../../../../runner/storage/open-storage.ts';
import { S3Store } from '../../../../runner/storage/s3-store.ts';
import type { S3Settings } from '../../../../runner/storage/storage-settings.ts';
import { ObjectStorage } from '../../../support/object-storage/object-storage.ts';
import { scratch } from '../../../support/scratch.ts';

const log = createLog('silent');
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

function s3Settings(endpoint: string, more: Partial<S3Settings> = {}): S3Settings {
  return { kind: 's3', endpoint, bucket: 'snapshots', region: 'us-east-1', prefix: 'a/b', credentials, ...more };
}

async function startS3(): Promise<{ service: ObjectStorage; settings: S3Settings }> {
  const service = await ObjectStorage.start();
  onTestFinished(() => service.stop());
  return { service, settings: s3Settings(service.environment['S3_ENDPOINT'] ?? '') };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

const stores: [string, () => Promise<ObjectStore>][] = [
  ['a folder', () => openStorage({ kind: 'folder', folder: scratch() }, '/nowhere', log)],
  ['S3', async () => await openStorage((await startS3()).settings, '/nowhere', log)],
];

test.each(stores)('%s keeps objects whole, by range too, lists and removes them', async (_name, open) => {
  const store = await open();
  onTestFinished(() => store.close());
  expect(store.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await store.health()).toMatchObject({ ok: true });
  expect(await store.get('owners/x/packs/1')).toBeNull();
  expect(await store.has('owners/x/packs/1')).toBe(false);
  const body = Buffer.from('0123456789');
  await store.put('owners/x/packs/1', body);
  await store.put('owners/x/packs/2', Buffer.alloc(3_000_000, 7));
  await store.put('owners/x/trees/1', Buffer.from('a'));
  await store.put('owners/y/trees/1', Buffer.from('b'));
  await store.put('owners/y/trees/1', Buffer.from('another'));
  expect(Buffer.from((await store.get('owners/x/packs/1')) ?? [])).toEqual(body);
  expect(Buffer.from((await store.get('owners/x/packs/1', { first: 2, last: 4 })) ?? [])).toEqual(Buffer.from('234'));
  // What an object does not have is not made up.
  expect((await store.get('owners/x/packs/1', { first: 8, last: 20 }))?.length).toBe(2);
  expect((await store.get('owners/x/packs/1', { first: 30, last: 40 }))?.length).toBe(0);
  expect(Buffer.from((await store.get('owners/y/trees/1')) ?? []).toString()).toBe('another');
  expect(await store.has('owners/x/packs/2')).toBe(true);
  const listed = await all(store.list('owners/x/packs/'));
  expect(listed.map(({ key, size }) => `${key} ${size}`).sort()).toEqual([
    'owners/x/packs/1 10',
    'owners/x/packs/2 3000000',
  ]);
  for (const { modified } of listed) expect(Math.abs(Date.now() - modified)).toBeLessThan(120_000);
  expect((await all(store.list('owners/'))).length).toBe(4);
  expect(await all(store.list('nothing/'))).toEqual([]);
  await store.remove(['owners/x/packs/1', 'owners/x/packs/nothing', 'owners/x/trees/1']);
  expect((await all(store.list('owners/x/'))).map(({ key }) => key)).toEqual(['owners/x/packs/2']);
});

test.each(stores)('%s has one id, whoever opens it', async (_name, open) => {
  const store = await open();
  onTestFinished(() => store.close());
  const again = store.origin.kind === 's3' ? new S3Store(store.origin) : new FolderStore(store.origin.folder);
  await again.open();
  expect(again.id).toBe(store.id);
  again.close();
});

test('runners that come first at once agree on the id of a folder', async () => {
  const folder = scratch();
  const opened = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const store = new FolderStore(folder);
      await store.open();
      return store.id;
    }),
  );
  expect(new Set(opened).size).toBe(1);
});

test('what a folder has half written is no object, and no key leads out of it', async () => {
  const folder = scratch();
  const store = new FolderStore(folder);
  await store.open();
  writeFileSync(path.join(folder, 'tmp', 'half'), 'x');
  expect(await all(store.list('tmp/'))).toHaveLength(1);
  expect(readdirSync(folder).sort()).toEqual(['storage.json', 'tmp']);
  await expect(store.put('../out', Buffer.from('x'))).rejects.toThrow('No key');
  expect(existsSync(path.join(folder, '..', 'out'))).toBe(false);
});

test('what a runner left half written goes, but not what another one writes', async () => {
  const folder = scratch();
  await new FolderStore(folder).open();
  for (const name of ['young', 'old']) writeFileSync(path.join(folder, 'tmp', name), 'x');
  const longAgo = Date.now() / 1000 - 90_000;
  utimesSync(path.join(folder, 'tmp', 'old'), longAgo, longAgo);
  await new FolderStore(folder).open();
  expect(readdirSync(path.join(folder, 'tmp'))).toEqual(['young']);
});

/** s3rver itself cannot tell a second page on this Node: it makes its tokens with a cipher that OpenSSL 3 has no more. */
test('a list of more than S3 tells at once is whole', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const token = new URL(request.url ?? '', 'http://s3').searchParams.get('continuation-token');
    asked.push(token ?? 'first');
    const more =
      token === null ? '<IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken>' : '';
    const key = `<Contents><Key>a/b/many/${token ?? 1}</Key><Size>7</Size></Contents>`;
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><ListBucketResult>${more}${key}</ListBucketResult>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const store = new S3Store(s3Settings(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  onTestFinished(() => store.close());
  const listed = await all(store.list('many/'));
  expect(listed.map(({ key, size }) => `${key} ${size}`)).toEqual(['many/1 7', 'many/2 7']);
  expect(asked).toEqual(['first', '2']);
});

test('a folder that cannot be used is unavailable, with the reason', async () => {
  const folder = scratch();
  const store = new FolderStore(path.join(folder, 'storage'));
  await store.open();
  rmSync(path.join(folder, 'storage'), { recursive: true });
  writeFileSync(path.join(folder, 'storage'), 'a file');
  await expect(store.put('a/b', Buffer.from('x'))).rejects.toThrow(StorageUnavailable);
  await expect(store.put('a/b', Buffer.from('x'))).rejects.toThrow(/^The storage folder .* cannot be used/);
  expect(await store.health()).toMatchObject({ ok: false });
});

test('an S3 that is down when the runner starts is opened, says why it does not work, and works once it is up', async () => {
  const { service, settings } = await startS3();
  await service.down();
  const store = await openStorage(settings, '/nowhere', log);
  onTestFinished(() => store.close());
  expect(store.id).toBe('');
  const health = await store.health();
  expect(health.ok).toBe(false);
  expect(health.detail).toContain('cannot be reached: is it running, and is S3_ENDPOINT right?');
  await expect(store.put('a/b', Buffer.from('x'))).rejects.toThrow(StorageUnavailable);
  await service.up();
  expect(await store.health()).toEqual({ ok: true, detail: expect.any(String) });
  expect(store.id).not.toBe('');
});

test('a bucket that is not there yet is made', async () => {
  const { settings } = await startS3();
  const store = await openStorage({ ...settings, bucket: 'brand-new' }, '/nowhere', log);
  onTestFinished(() => store.close());
  expect(await store.health()).toMatchObject({ ok: true });
});

test.each([
  [403, 'AccessDenied', 'refuses: check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and what they may do there'],
  [503, 'SlowDown', 'fails'],
  [500, 'InternalError', 'fails'],
  [404, 'NoSuchBucket', 'is not there: make it, or set S3_BUCKET'],
])('an S3 that answers %i %s is unavailable, and its operator is told what to do', async (status, code, advice) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const store = new S3Store(s3Settings(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  onTestFinished(() => store.close());
  const put = store.put('a/b', Buffer.from('x'));
  await expect(put).rejects.toThrow(StorageUnavailable);
  await expect(put).rejects.toThrow(advice);
});

test('a folder that cannot be made is unavailable, and its operator is told which', async () => {
  const file = path.join(scratch(), 'file');
  writeFileSync(file, '');
  const folder = path.join(file, 'storage');
  const opening = new FolderStore(folder).open();
  await expect(opening).rejects.toThrow(StorageUnavailable);
  await expect(opening).rejects.toThrow(folder);
});
