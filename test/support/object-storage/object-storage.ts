import { spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from '../net/free-port.ts';

const S3RVER = path.join(path.dirname(createRequire(import.meta.url).resolve('s3rver/package.json')), 'bin/s3rver.js');
const BUCKET = 'snapshots';

/** An S3 service on this machine, in a process of its own: it can be stopped, and started again with what it held. */
export class ObjectStorage {
  readonly #folder: string;
  readonly #port: number;
  #server: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async start(): Promise<ObjectStorage> {
    const port = await freePort('127.0.0.1');
    const storage = new ObjectStorage(await mkdtemp(path.join(os.tmpdir(), 'cc-docker-s3-')), port);
    await storage.up();
    return storage;
  }

  /** What a runner needs to use it. */
  get environment(): Record<string, string> {
    return {
      S3_ENDPOINT: `http://127.0.0.1:${this.#port}`,
      S3_BUCKET: BUCKET,
      S3_ACCESS_KEY_ID: 'S3RVER',
      S3_SECRET_ACCESS_KEY: 'S3RVER',
    };
  }

  async up(): Promise<void> {
    const options = ['-d', this.#folder, '-a', '127.0.0.1', '-p', String(this.#port), '--configure-bucket', BUCKET];
    const server = spawn(process.execPath, [S3RVER, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#server = server;
    await Promise.race([
      listening(server.stdout),
      once(server, 'exit').then(() => Promise.reject(new Error('s3rver did not start'))),
    ]);
    // It logs each request, which nobody reads.
    server.stdout.resume();
  }

  /** Answers nothing until it goes on: what is sent to it meanwhile waits. */
  stall(): void {
    this.#server?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#server?.kill('SIGCONT');
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  /** Names of all that it holds. */
  async keys(): Promise<string[]> {
    const bucket = path.join(this.#folder, BUCKET);
    const entries = await readdir(bucket, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(bucket, path.join(entry.parentPath, entry.name)));
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** It says when it listens; before that, that the bucket is there already. */
async function listening(stdout: Readable): Promise<void> {
  let said = '';
  for await (const chunk of on(stdout, 'data')) {
    said += String(chunk);
    if (said.includes('listening on')) return;
  }
}
