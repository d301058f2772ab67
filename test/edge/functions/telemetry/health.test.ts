import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { request } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';

const app = createApp();

beforeEach(emptyPool);

const gate = () => env.GATE.get(env.GATE.idFromName('service'));

/** When the probe's row was written. */
const written = async () =>
  await runInDurableObject(gate(), (_, { storage }) => {
    const rows = storage.sql.exec<{ at: number }>('SELECT at FROM probes').toArray();
    return rows[0]?.at ?? 0;
  });

/** The edge with a gate of the test's own. */
const withGate = (probe: () => Promise<void>, path: string) =>
  app.request(
    path,
    {},
    { ...env, GATE: { idFromName: () => '', get: () => ({ probe, report: async () => undefined }) } },
  );

describe('GET /health', () => {
  it('writes and reads state, at most once a second however often it is asked', async () => {
    await FakeRunner.connect();
    const began = Date.now();
    const seen = new Set<number>();
    for (let n = 0; n < 30; n += 1) {
      expect((await request('/health')).body).toMatchObject({ status: 'ok', parts: { edge: { ok: true } } });
      seen.add(await written());
    }
    expect(Math.max(...seen)).toBeGreaterThan(began - 1000);
    expect(seen.size).toBeLessThanOrEqual(2 + (Date.now() - began) / 1000);
  });

  it('says within seconds that state cannot be written or read, and in whose words is for the log', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => log.mockRestore());
    const broken = await withGate(() => Promise.reject(new Error('bait: SQLITE_IOERR')), '/health');
    expect(broken.status).toBe(503);
    const body = await broken.json();
    expect(body).toMatchObject({
      status: 'failing',
      parts: { edge: { ok: false, detail: expect.stringMatching(/the state/) } },
    });
    expect(JSON.stringify(body)).not.toContain('bait');
    expect(JSON.stringify(log.mock.calls)).toContain('SQLITE_IOERR');
    const hangs = await withGate(() => new Promise<void>(() => {}), '/health');
    expect(hangs.status).toBe(503);
    expect(await hangs.json()).toMatchObject({
      parts: { edge: { detail: expect.stringMatching(/did not answer within 2000 ms/) } },
    });
  });
});

describe('GET /ready', () => {
  it('is 200 only when a session could start, and says why it could not', async () => {
    const refused = await request('/ready');
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'not_ready', detail: expect.stringMatching(/no runner is connected/) },
    });
    expect(refused.headers.get('retry-after')).toBe('5');
    const runner = await FakeRunner.connect('builder-8');
    expect(await request('/ready')).toMatchObject({ status: 200, body: { ready: true } });
    const fine = { ok: true, detail: 'fine' };
    const health = { ok: false, detail: 'Docker does not answer.' };
    runner.send({ kind: 'health', health, storage: fine });
    await expect
      .poll(async () => (await request('/ready')).body.detail)
      .toContain('builder-8: Docker does not answer.');
    runner.send({ kind: 'health', health: fine, storage: fine });
    await expect.poll(async () => (await request('/ready')).status).toBe(200);
    runner.send({ kind: 'draining' });
    await expect.poll(async () => (await request('/ready')).body.detail).toContain('builder-8 is draining');
  });

  it('wants a disk with room, and state that can be written', async () => {
    await FakeRunner.connect();
    const DISK = { fetch: async () => Response.json({ free_mb: 7, low: true, floor_mb: 1024 }) };
    const full = await app.request('/ready', {}, { ...env, DISK });
    expect(full.status).toBe(503);
    expect(await full.json()).toMatchObject({ detail: expect.stringMatching(/7 MB free, less than 1024/) });
    const log = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => log.mockRestore());
    const broken = await withGate(() => Promise.reject(new Error('no')), '/ready');
    expect(await broken.json()).toMatchObject({ status: 503, detail: expect.stringMatching(/the state/) });
  });
});
