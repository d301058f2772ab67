import path from 'node:path';
import * as z from 'zod';
import type { UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';

const folder = z.string().transform((text) => path.resolve(text));

/** Fields for the runner's environment schema. */
export const storageEnvironment = {
  /** A folder for snapshots; absent: `storage` in the runner's data folder. */
  STORAGE_FOLDER: folder.optional(),
  /** An S3 service other than AWS's own: MinIO, R2. */
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  /** Prefix of every key in the bucket. */
  S3_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,256}$/, 'must be letters, digits, dots, dashes, underscores and slashes')
    .transform((text) => text.replaceAll(/^\/+|\/+$/g, ''))
    .default(''),
  MINIO_ACCESS_KEY: z.string().optional(),
  MINIO_SECRET_KEY: z.string().optional(),
};

const environment = z.object(storageEnvironment);
type StorageEnvironment = z.infer<typeof environment>;

export interface S3Settings {
  kind: 's3';
  /** Null: AWS. */
  endpoint: string | null;
  bucket: string;
  region: string;
  /** Without slashes at its ends; `''`: none. */
  prefix: string;
  /** Null: credentials that the SDK finds on the machine (an instance's role, a profile). */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  /** The proxies on the way there; absent: none. */
  proxies?: UpstreamProxies;
}

/** Where snapshots are kept. `folder` null: in the runner's data folder. */
export type StorageSettings = { kind: 'folder'; folder: string | null } | S3Settings;
/** The settings of an open storage, with its actual folder. */
export type StorageOrigin = { kind: 'folder'; folder: string } | S3Settings;

/** MinIO's default key, which is also the specification's. Everybody knows it. */
const DEFAULT_KEY = 'minioadmin';
const DEFAULT_BUCKET = 'cc-docker';

/** The storage that the environment configures: S3 if it names a bucket or an endpoint, else a folder. */
export function storageSettings(env: StorageEnvironment): StorageSettings {
  if (env.S3_BUCKET === undefined && env.S3_ENDPOINT === undefined)
    return { kind: 'folder', folder: env.STORAGE_FOLDER ?? null };
  const { accessKeyId, secretAccessKey } = keys(env);
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined ? null : { accessKeyId, secretAccessKey };
  return {
    kind: 's3',
    endpoint: env.S3_ENDPOINT ?? null,
    bucket: env.S3_BUCKET ?? DEFAULT_BUCKET,
    region: env.S3_REGION,
    prefix: env.S3_PREFIX,
    credentials,
  };
}

/** Conflicts between the variables, one message for each variable. For `superRefine`. */
export function storageProblems(env: StorageEnvironment): { variable: string; message: string }[] {
  const { S3_ENDPOINT, S3_BUCKET, STORAGE_FOLDER } = env;
  if (S3_BUCKET === undefined && S3_ENDPOINT === undefined) return [];
  const problems: { variable: string; message: string }[] = [];
  if (STORAGE_FOLDER !== undefined)
    problems.push({ variable: 'STORAGE_FOLDER', message: 'cannot be combined with S3_BUCKET or S3_ENDPOINT' });
  const { accessKeyId, secretAccessKey } = keys(env);
  if (accessKeyId !== undefined && secretAccessKey === undefined)
    problems.push({ variable: 'S3_SECRET_ACCESS_KEY', message: 'is not set, but S3_ACCESS_KEY_ID is' });
  if (accessKeyId === undefined && secretAccessKey !== undefined)
    problems.push({ variable: 'S3_ACCESS_KEY_ID', message: 'is not set, but S3_SECRET_ACCESS_KEY is' });
  if (secretAccessKey === DEFAULT_KEY && !isLoopback(S3_ENDPOINT)) {
    const message = `is the default that everybody knows ("${DEFAULT_KEY}"), which is accepted on loopback only: set one of your own, here and at the storage`;
    const variable = env.S3_SECRET_ACCESS_KEY === undefined ? 'MINIO_SECRET_KEY' : 'S3_SECRET_ACCESS_KEY';
    problems.push({ variable, message });
  }
  return problems;
}

function keys(env: StorageEnvironment) {
  const accessKeyId = env.S3_ACCESS_KEY_ID ?? env.MINIO_ACCESS_KEY;
  const secretAccessKey = env.S3_SECRET_ACCESS_KEY ?? env.MINIO_SECRET_KEY;
  if (accessKeyId === undefined && secretAccessKey === undefined && isLoopback(env.S3_ENDPOINT))
    return { accessKeyId: DEFAULT_KEY, secretAccessKey: DEFAULT_KEY };
  return { accessKeyId, secretAccessKey };
}

function isLoopback(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return false;
  const { hostname } = new URL(endpoint);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
