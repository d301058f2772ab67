import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunnerIdentity } from '../../../../runner/identity/identity.ts';
import { RunnerKey } from '../../../../runner/identity/runner-key.ts';
import { ControlConnection, type Credentials } from '../../../../runner/link/control-connection.ts';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { scratch, sharedScratch } from '../../../support/scratch.ts';

const SECRET = 'known to every test and of no use elsewhere';
const code = (sub: string) => mintToken(SECRET, { kind: 'runner', sub, ttlSeconds: 60 });

let edge: Edge;
const shared = sharedScratch();
beforeAll(async () => {
  const stateFolder = path.join(shared.path, 'edge');
  const vars = { JWT_SECRET: SECRET };
  edge = await startEdge({ worker: WORKER_BUNDLE, host: '127.0.0.1', port: 0, stateFolder, vars });
});
afterAll(async () => {
  await edge.stop();
});

/** A runner of this data folder, as a process of it begins. */
async function begin(folder: string, given: string | undefined) {
  const kept = keptLog();
  const key = await RunnerKey.open(folder);
  return { key, identity: new RunnerIdentity({ edgeUrl: edge.url, key, code: given, log: kept.log }), ...kept };
}

/** Connects, until the pool has said welcome or the log a line with `words`. */
async function connects(identity: Credentials, { log, lines }: ReturnType<typeof keptLog>, words = 'connected') {
  const control = new ControlConnection({
    edgeUrl: edge.url,
    credentials: identity,
    log,
    hello: () => ({
      kind: 'hello',
      version: '0',
      backend: 'process',
      health: { ok: true, detail: '' },
      capacity: 0,
      labels: {},
      storage: { id: 's', kind: 'folder', health: { ok: true, detail: '' } },
      running: [],
    }),
    onFrame: () => undefined,
    onEndedAck: () => undefined,
    onSnapshotAck: () => undefined,
    backoff: { minMs: 1, maxMs: 20 },
    slow: { minMs: 1, maxMs: 20 },
  });
  control.open();
  await expect.poll(() => lines.join('')).toContain(words);
  await control.close();
}

describe('a runner', () => {
  test('enrols at its first start, and needs no code from then on', async () => {
    const folder = scratch();
    const first = await begin(folder, await code('one'));
    await connects(first.identity, first);
    const file = path.join(folder, 'key.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ name: 'one', key: { crv: 'Ed25519' } });
    const again = await begin(folder, undefined);
    expect(again.key.publicKey).toEqual(first.key.publicKey);
    await connects(again.identity, again);
  });

  test('whose code another has used is told so, and what to do', async () => {
    const used = await code('two');
    const first = await begin(scratch(), used);
    await connects(first.identity, first);
    const late = await begin(scratch(), used);
    await connects(late.identity, late, 'This code has been used');
    expect(late.lines.join('')).toContain('--kind runner');
    expect(late.key.name).toBeNull();
  });

  test('that the edge knows no more enrols again, if it has a code', async () => {
    const folder = scratch();
    const first = await begin(folder, await code('three'));
    await connects(first.identity, first);
    const usurper = await begin(scratch(), await code('three'));
    await connects(usurper.identity, usurper);
    const without = await begin(folder, undefined);
    await connects(without.identity, without, 'RUNNER_TOKEN is not set');
    const again = await begin(folder, await code('three'));
    await connects(again.identity, again);
    expect(again.lines.join('')).toContain('enrolled');
  });

  test('asks again while the edge is away, with the same key', async () => {
    const { key, log } = await begin(scratch(), 'x');
    const identity = new RunnerIdentity({ edgeUrl: 'http://127.0.0.1:9', key, code: await code('four'), log });
    expect(await identity.token()).toEqual({ problem: expect.stringContaining('the edge is away'), isRefusal: false });
    expect(key.name).toBeNull();
  });

  test('has no key that is damaged', async () => {
    const folder = scratch();
    const { key } = await begin(folder, await code('five'));
    key.enrolled('five');
    await writeFile(path.join(folder, 'key.json'), '{"name":"five"');
    await expect(RunnerKey.open(folder)).rejects.toThrow(/key\.json is damaged: remove it/);
  });
});
