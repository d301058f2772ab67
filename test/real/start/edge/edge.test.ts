import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startEdge } from '../../../../start/edge/edge.ts';
import type { WranglerConfig } from '../../../../start/edge/workerd/wrangler-config.ts';

const WORKER = `
import { DurableObject } from 'cloudflare:workers';
export class Counter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS hit (id INTEGER PRIMARY KEY)');
  }
  hit() {
    this.ctx.storage.sql.exec('INSERT INTO hit DEFAULT VALUES');
    return this.ctx.storage.sql.exec('SELECT count(*) AS hits FROM hit').one().hits;
  }
}
export default {
  async fetch(request, env) {
    const hits = await env.COUNTER.getByName('only').hit();
    return Response.json({ hits, own: env.OWN, given: env.GIVEN, url: request.url });
  },
};`;

const config: WranglerConfig = {
  name: 'scratch',
  compatibility_date: '2026-10-01',
  compatibility_flags: [],
  durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
  vars: { OWN: 'from the file', GIVEN: 'from the file' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-edge-'));
  await writeFile(path.join(folder, 'worker.mjs'), WORKER);
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function visit() {
  const edge = await startEdge({
    worker: path.join(folder, 'worker.mjs'),
    host: '127.0.0.1',
    port: 0,
    // Each of these characters means something in workerd's configuration, or in a shell.
    stateFolder: path.join(folder, 'of "$o\\ne" é, #1'),
    vars: { GIVEN: 'by the caller, "quoted"' },
    config,
  });
  try {
    return { url: edge.url, answer: await (await fetch(edge.url)).json() };
  } finally {
    await edge.stop();
  }
}

test('what an object stored is there after a restart', async () => {
  expect((await visit()).answer).toMatchObject({ hits: 1 });
  expect((await visit()).answer).toMatchObject({ hits: 2 });
});

test('a variable that the caller gives comes before that of wrangler.toml, and its url is where it answers', async () => {
  const { url, answer } = await visit();
  expect(answer).toMatchObject({ own: 'from the file', given: 'by the caller, "quoted"', url: `${url}/` });
});

test('a port that is taken is an error that says so', async () => {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const options = {
    worker: path.join(folder, 'worker.mjs'),
    host: '127.0.0.1',
    port,
    stateFolder: path.join(folder, 'state'),
    vars: {},
    config,
  };
  await expect(startEdge(options)).rejects.toThrow(/Address already in use/);
  await new Promise((resolve) => server.close(resolve));
});
