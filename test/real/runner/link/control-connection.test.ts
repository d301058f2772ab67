import { expect, onTestFinished, test } from 'vitest';
import type { PoolFrame } from '../../../../protocol/link/runner-control.ts';
import { ControlConnection, type ControlOptions } from '../../../../runner/link/control-connection.ts';
import { Changes } from '../../../support/changes.ts';
import { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { keptLog } from '../../../support/quiet-log.ts';

const KEY = { session_id: '0190a0a0-0000-7000-8000-000000000001', epoch: 1 };
const REASON = { code: 'container_exited' as const, detail: 'it fell over' };

async function setUp(options: Partial<ControlOptions> = {}) {
  const edge = await FakeEdge.start();
  const changes = new Changes();
  const frames: PoolFrame[] = [];
  const acked: unknown[] = [];
  const { log, lines } = keptLog();
  const control = new ControlConnection({
    edgeUrl: edge.url,
    credentials: { token: async () => ({ token: 'token' }), unknown: () => {} },
    log,
    hello: () => ({
      kind: 'hello',
      version: '0',
      backend: 'process',
      health: { ok: true, detail: '' },
      capacity: 1,
      labels: {},
      storage: { id: 'storage-1', kind: 'folder', health: { ok: true, detail: '' } },
      running: [],
    }),
    onFrame: (frame) => {
      frames.push(frame);
      changes.notify();
    },
    onEndedAck: ({ session_id, epoch }) => {
      acked.push({ session_id, epoch });
      changes.notify();
    },
    onSnapshotAck: (session_id, snapshot_id) => {
      acked.push({ session_id, snapshot_id });
      changes.notify();
    },
    backoff: { minMs: 1, maxMs: 20 },
    slow: { minMs: 1, maxMs: 5 },
    ...options,
  });
  onTestFinished(async () => {
    await control.close();
    await edge.close();
  });
  return { edge, control, frames, acked, changes, lines };
}

test('it says hello first on every connection, and comes back after every break', async () => {
  const { edge, control } = await setUp();
  control.open();
  await edge.frame('hello');
  edge.controlSocket?.terminate();
  await edge.frame('hello', 1);
  expect(edge.control.map((frame) => frame.kind)).toEqual(['hello', 'hello']);
});

test('an end is said again on every connection until it is acknowledged, and counts as running until then', async () => {
  const { edge, control, acked, changes } = await setUp();
  edge.acknowledgesEnds = false;
  control.open();
  await edge.frame('hello');
  control.reportEnded(KEY, REASON);
  await edge.frame('ended');
  edge.acknowledgesEnds = true;
  edge.controlSocket?.terminate();
  expect(await edge.frame('ended', 1)).toMatchObject({ ...KEY, reason: REASON });
  expect(await edge.frame('hello', 1)).toMatchObject({ running: [KEY] });
  await changes.until(() => acked.length === 1);
  await control.allAcked();
  edge.controlSocket?.terminate();
  expect(await edge.frame('hello', 2)).toMatchObject({ running: [] });
  expect(edge.control.filter((frame) => frame.kind === 'ended')).toHaveLength(2);
});

test('an end that came while the edge was away is said when it is back', async () => {
  const { edge, control } = await setUp();
  edge.leave();
  control.open();
  control.reportEnded(KEY, REASON);
  edge.comeBack();
  await edge.frame('ended');
});

test('a connection whose heartbeats are not answered is given up for a new one', async () => {
  const { edge, control } = await setUp({ heartbeatMs: 15 });
  control.open();
  await edge.changes.until(() => edge.heartbeats >= 5);
  expect(edge.controlConnections).toBe(1);
  edge.answersHeartbeats = false;
  await edge.frame('hello', 1);
});

test('a refused token is named in the log, and tried again', async () => {
  const { edge, control, lines } = await setUp();
  edge.refuse = { status: 401, problem: true };
  control.open();
  await expect.poll(() => lines.join('')).toContain('refuses this runner');
  edge.comeBack();
  await edge.frame('hello');
});

test('what the pool asks is handed on; what is not of the protocol ends the connection', async () => {
  const { edge, control, frames, changes } = await setUp();
  control.open();
  await edge.frame('hello');
  edge.order({ kind: 'stop', ...KEY });
  await changes.until(() => frames.length === 2);
  expect(frames.map((frame) => frame.kind)).toEqual(['welcome', 'stop']);
  // Of a newer edge. It is passed over.
  edge.controlSocket?.send('{"kind":"format_disk"}');
  edge.order({ kind: 'stop', ...KEY });
  await changes.until(() => frames.length === 3);
  edge.controlSocket?.send('{"kind":"stop","epoch":"first"}');
  await edge.frame('hello', 1);
});

const REPORT = {
  snapshot_id: '0190a0a0-0000-7000-8000-000000000009',
  trigger: 'parked' as const,
  state: 'stored' as const,
  version: 1,
  final: true,
  storage: 'storage-1',
  created_at: '2026-01-01T00:00:00.000Z',
  files: 1,
  bytes: 1,
  new_bytes: 1,
  owner_bytes: null,
  skipped: [],
  detail: null,
};

test('a snapshot is reported on every connection until that is acknowledged', async () => {
  const { edge, control, acked, changes } = await setUp();
  edge.acknowledgesSnapshots = false;
  control.reportSnapshot(KEY.session_id, REPORT);
  control.open();
  expect(await edge.frame('snapshot')).toMatchObject({ session_id: KEY.session_id, report: REPORT });
  edge.controlSocket?.terminate();
  await edge.frame('snapshot', 1);
  const all = control.allAcked();
  edge.order({ kind: 'snapshot_ack', snapshot_id: REPORT.snapshot_id });
  await changes.until(() => acked.length > 0);
  expect(acked).toEqual([{ session_id: KEY.session_id, snapshot_id: REPORT.snapshot_id }]);
  await all;
  edge.controlSocket?.terminate();
  await edge.frame('hello', 2);
  expect(edge.control.filter(({ kind }) => kind === 'snapshot')).toHaveLength(2);
});

test('of a session that is deleted no snapshot is reported any more', async () => {
  const { edge, control } = await setUp();
  control.reportSnapshot(KEY.session_id, REPORT);
  control.forgetSnapshots(KEY.session_id);
  control.open();
  await edge.frame('hello');
  await control.allAcked();
  edge.controlSocket?.terminate();
  await edge.frame('hello', 1);
  expect(edge.control.map(({ kind }) => kind)).toEqual(['hello', 'hello']);
});

test('what is not so any more is said anew, on another connection', async () => {
  const { edge, control } = await setUp();
  control.open();
  await edge.frame('hello');
  control.reconnect();
  await edge.frame('hello', 1);
  expect(edge.controlConnections).toBe(2);
});
