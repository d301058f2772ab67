import { expect, test } from 'vitest';
import * as z from 'zod';
import { storageEnvironment, storageProblems, storageSettings } from '../../../../runner/storage/storage-settings.ts';

const parse = (env: Record<string, string>) => z.object(storageEnvironment).parse(env);
const settings = (env: Record<string, string>) => storageSettings(parse(env));
const problems = (env: Record<string, string>) => storageProblems(parse(env)).map(({ variable }) => variable);

test('a folder, unless S3 is named; the seed’s keys alone do not name it', () => {
  expect(settings({})).toEqual({ kind: 'folder', folder: null });
  expect(settings({ MINIO_ACCESS_KEY: 'a', MINIO_SECRET_KEY: 'b' })).toEqual({ kind: 'folder', folder: null });
  expect(settings({ STORAGE_FOLDER: '/mnt/x/' })).toEqual({ kind: 'folder', folder: '/mnt/x' });
});

test('S3 with its own keys, the seed’s, or those of the machine', () => {
  const s3 = { S3_ENDPOINT: 'https://s3.example.org/', S3_BUCKET: 'bucket', S3_PREFIX: '/a/b/' };
  const keys = { S3_ACCESS_KEY_ID: 'own', S3_SECRET_ACCESS_KEY: 'its' };
  const seed = { MINIO_ACCESS_KEY: 'seed', MINIO_SECRET_KEY: 'sown' };
  expect(settings({ ...s3, ...keys, ...seed })).toEqual({
    kind: 's3',
    endpoint: 'https://s3.example.org',
    bucket: 'bucket',
    region: 'us-east-1',
    prefix: 'a/b',
    credentials: { accessKeyId: 'own', secretAccessKey: 'its' },
  });
  expect(settings({ ...s3, ...seed })).toMatchObject({ credentials: { accessKeyId: 'seed', secretAccessKey: 'sown' } });
  expect(settings({ S3_BUCKET: 'bucket', S3_REGION: 'eu-central-1' })).toMatchObject({
    endpoint: null,
    credentials: null,
  });
  expect(problems({ ...s3, ...keys })).toEqual([]);
});

test('the password that everybody knows is for loopback alone', () => {
  const known = { MINIO_ACCESS_KEY: 'minioadmin', MINIO_SECRET_KEY: 'minioadmin' };
  for (const endpoint of ['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000']) {
    expect(problems({ S3_ENDPOINT: endpoint, ...known })).toEqual([]);
    expect(settings({ S3_ENDPOINT: endpoint })).toMatchObject({
      bucket: 'cc-docker',
      credentials: { accessKeyId: 'minioadmin', secretAccessKey: 'minioadmin' },
    });
  }
  for (const endpoint of ['http://minio:9000', 'http://127.0.0.1.example.org', 'http://10.0.0.1:9000'])
    expect(problems({ S3_ENDPOINT: endpoint, ...known })).toEqual(['MINIO_SECRET_KEY']);
  const own = { S3_ACCESS_KEY_ID: 'x', S3_SECRET_ACCESS_KEY: 'minioadmin' };
  expect(problems({ S3_BUCKET: 'bucket', ...own })).toEqual(['S3_SECRET_ACCESS_KEY']);
});

test('what does not go together is told by the variable', () => {
  expect(problems({ S3_BUCKET: 'bucket', STORAGE_FOLDER: '/x' })).toEqual(['STORAGE_FOLDER']);
  expect(problems({ S3_BUCKET: 'bucket', S3_ACCESS_KEY_ID: 'x' })).toEqual(['S3_SECRET_ACCESS_KEY']);
  expect(problems({ S3_BUCKET: 'bucket', S3_SECRET_ACCESS_KEY: 'x' })).toEqual(['S3_ACCESS_KEY_ID']);
});
