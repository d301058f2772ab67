import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { BackendHealth } from '../../protocol/link/runner-control.ts';
import { messageOf } from '../lib/log.ts';
import { proxiedAgents } from '../lib/upstream-proxy/agents.ts';
import type { UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';
import { STORAGE_ID_KEY, StorageUnavailable, type ObjectStore, type StoredObject } from './object-store.ts';
import { parseStorageId, storageIdBody } from './storage-id.ts';
import type { S3Settings } from './storage-settings.ts';

/** Concurrent delete requests. Each deletes one object: the bulk call needs checksums that some S3 services do not support. */
const REMOVE_AT_ONCE = 16;

/** A storage in a bucket, or under a prefix of one, of any S3 service. */
export class S3Store implements ObjectStore {
  readonly kind = 's3';
  readonly origin: S3Settings;
  readonly #client: S3Client;
  readonly #prefix: string;
  #id = '';

  constructor(settings: S3Settings) {
    this.origin = settings;
    this.#prefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
    this.#client = new S3Client({
      region: settings.region,
      // Few retries: the callers have their own backoff, and a user may wait for the answer.
      maxAttempts: 2,
      // Only AWS supports checksums in trailers. The objects hold their own checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: 5000,
        socketTimeout: 60_000,
        requestTimeout: 0,
        ...(settings.proxies && agentsFor(settings.proxies)),
      },
      ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
      ...(settings.credentials === null ? {} : { credentials: settings.credentials }),
    });
  }

  get id(): string {
    return this.#id;
  }

  /** Reads the storage's id. Makes the bucket and the id if they do not exist. @throws StorageUnavailable */
  async open(): Promise<void> {
    if (this.#id !== '') return;
    const body = (await this.#idBody()) ?? (await this.#makeId());
    this.#id = parseStorageId(body, `${STORAGE_ID_KEY} in ${this.#where()}`);
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#call(() => this.#client.send(new PutObjectCommand({ ...this.#object(key), Body: body })));
  }

  async get(key: string, range?: { first: number; last: number }): Promise<Uint8Array | null> {
    const part = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
    return await this.#call(
      async () => {
        const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#object(key), ...part }));
        if (Body === undefined) throw new Error(`${key} came without a body`);
        return await Body.transformToByteArray();
      },
      // The object ends before the range begins.
      (error) => (isService(error) && error.name === 'InvalidRange' ? new Uint8Array() : absent(error)),
    );
  }

  async has(key: string): Promise<boolean> {
    const head = () => this.#client.send(new HeadObjectCommand(this.#object(key)));
    return (await this.#call(head, absent)) !== null;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    let token: string | undefined;
    do {
      const more = token === undefined ? {} : { ContinuationToken: token };
      const command = new ListObjectsV2Command({
        Bucket: this.origin.bucket,
        Prefix: this.#prefix + prefix,
        ...more,
      });
      const { Contents = [], NextContinuationToken } = await this.#call(() => this.#client.send(command));
      for (const { Key, Size, LastModified } of Contents)
        if (Key !== undefined)
          yield { key: Key.slice(this.#prefix.length), size: Size ?? 0, modified: LastModified?.getTime() ?? 0 };
      token = NextContinuationToken;
    } while (token !== undefined);
  }

  async remove(keys: readonly string[]): Promise<void> {
    const left = [...keys];
    const take = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        const command = new DeleteObjectCommand(this.#object(key));
        await this.#call(() => this.#client.send(command), absent);
      }
    };
    await Promise.all(Array.from({ length: Math.min(REMOVE_AT_ONCE, keys.length) }, take));
  }

  async health(): Promise<BackendHealth> {
    try {
      await this.open();
      await this.#idBody();
      return { ok: true, detail: this.#where() };
    } catch (error) {
      return { ok: false, detail: messageOf(error).slice(0, 2048) };
    }
  }

  close(): void {
    this.#client.destroy();
  }

  /** The object that holds the id; null: no such object, or no bucket yet. */
  async #idBody(): Promise<Uint8Array | null> {
    return await this.get(STORAGE_ID_KEY).catch((error: unknown) => {
      if (error instanceof StorageUnavailable && isService(error.cause) && error.cause.name === 'NoSuchBucket')
        return null;
      throw error;
    });
  }

  /** Several runners may do this at once. `IfNoneMatch` lets one of them win; all then read the winner's id. */
  async #makeId(): Promise<Uint8Array> {
    const put = () =>
      this.#client.send(
        new PutObjectCommand({ ...this.#object(STORAGE_ID_KEY), Body: storageIdBody(), IfNoneMatch: '*' }),
      );
    await this.#call(put, async (error) => {
      if (isService(error) && error.$metadata.httpStatusCode === 412) return null;
      if (!isService(error) || error.name !== 'NoSuchBucket') return undefined;
      await this.#client.send(new CreateBucketCommand({ Bucket: this.origin.bucket }));
      return await put();
    });
    const body = await this.#idBody();
    if (body === null) throw new StorageUnavailable(`${STORAGE_ID_KEY} was put into ${this.#where()} and is not there`);
    return body;
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.origin.bucket, Key: this.#prefix + key };
  }

  /** @param expected turns an expected error into a result; undefined: the error is unexpected */
  async #call<T>(work: () => Promise<T>): Promise<T>;
  async #call<T, E>(work: () => Promise<T>, expected: (error: unknown) => Awaitable<E | undefined>): Promise<T | E>;
  async #call<T, E>(work: () => Promise<T>, expected?: (error: unknown) => Awaitable<E | undefined>): Promise<T | E> {
    try {
      try {
        return await work();
      } catch (error) {
        const answer = await expected?.(error);
        if (answer === undefined) throw error;
        return answer;
      }
    } catch (error) {
      const advice = adviceOn(error, this.origin);
      if (advice === undefined) throw error;
      throw new StorageUnavailable(`${this.#where()} ${advice} (${described(error)})`, { cause: error });
    }
  }

  #where(): string {
    const { bucket, prefix, endpoint, region } = this.origin;
    return `S3 bucket ${bucket}${prefix === '' ? '' : ` (${prefix}/)`} at ${endpoint ?? `AWS, ${region}`}`;
  }
}

function agentsFor(proxies: UpstreamProxies) {
  const agents = proxiedAgents(proxies);
  return { httpAgent: agents.http, httpsAgent: agents.https };
}

type Awaitable<T> = T | Promise<T>;

function absent(error: unknown): null | undefined {
  if (!isService(error)) return undefined;
  // A HEAD response has no body, so its error is `NotFound`.
  return error.name === 'NoSuchKey' || error.name === 'NotFound' ? null : undefined;
}

/** What is wrong and what to do, if a retry may help; undefined: a retry will not help. */
function adviceOn(error: unknown, { credentials }: S3Settings): string | undefined {
  if (!isService(error)) {
    // The SDK's error for a machine without credentials, then Node's errors for a failing network.
    if (error instanceof Error && error.name === 'CredentialsProviderError')
      return 'has no credentials: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY';
    if (error instanceof Error && ('code' in error || error.name === 'TimeoutError' || '$metadata' in error))
      return 'cannot be reached: is it running, and is S3_ENDPOINT right?';
    return undefined;
  }
  const status = error.$metadata.httpStatusCode ?? 500;
  if (error.name === 'NoSuchBucket') return 'is not there: make it, or set S3_BUCKET';
  if (status === 401 || status === 403) {
    const which = credentials === null ? 'the credentials of this machine' : 'S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY';
    return `refuses: check ${which} and what they may do there`;
  }
  if (status === 408 || status === 429) return 'asks for patience';
  if (status === 301 || status === 307) return 'is elsewhere: set S3_REGION';
  if (status >= 500) return 'fails';
  return undefined;
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.name}${error.message === '' ? '' : `, ${messageOf(error)}`}`.slice(0, 512);
}

function isService(error: unknown): error is S3ServiceException {
  return error instanceof S3ServiceException;
}
