import { expect, test } from 'vitest';
import { PROTOCOL } from '../../../../protocol/link/protocol-version.ts';
import { until } from '../../../support/until.ts';
import { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { launchOf, runRunner, sessionId } from '../../../support/runner/running-runner.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };
const OTHER = { session_id: sessionId(2), epoch: 1 };

async function edgeOf(protocol: number): Promise<FakeEdge> {
  const edge = await FakeEdge.start();
  edge.protocol = protocol;
  return edge;
}

async function running(options: Parameters<typeof runRunner>[0] = {}) {
  const edge = options.edge ?? (await edgeOf(PROTOCOL));
  const set = await runRunner({ ...options, edge });
  set.launch(KEY);
  await edge.frame('started');
  return set;
}

test('a drain lets what runs go on, takes nothing new, and is over when the last session has left', async () => {
  const { edge, launch, runner } = await running();
  const drained = runner.drain();
  expect(await edge.frame('draining')).toMatchObject({ on: true });
  launch(OTHER);
  expect(await edge.frame('ended')).toMatchObject({ ...OTHER, reason: { code: 'runner_draining' } });
  edge.prompt(KEY.session_id, 'say still here');
  await edge.line(KEY.session_id, (line) => line.includes('still here'));
  // The turn has ended, and the edge has the session leave.
  edge.order({ kind: 'stop', ...KEY });
  await drained;
  expect(await edge.frame('ended', 1)).toMatchObject({ ...KEY, reason: { code: 'stopped_by_user' } });
});

test('what has not left when DRAIN_TIMEOUT is over is parked with the reason', async () => {
  const { edge, runner } = await running({ drainSeconds: 1 });
  await runner.drain();
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_draining' } });
});

test('an edge of the version before has no sessions leave, so a drain does not wait for that', async () => {
  const { edge, runner } = await running({ edge: await FakeEdge.start() });
  await runner.drain();
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_draining' } });
});

test('the edge has it drain and takes that back; it says so when it comes back meanwhile', async () => {
  const { edge, launch } = await running({ drainSeconds: 1 });
  edge.order({ kind: 'drain', on: true });
  expect(await edge.frame('draining')).toMatchObject({ on: true });
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_draining' } });
  edge.controlSocket?.terminate();
  expect(await edge.frame('hello', 1)).toMatchObject({ draining: true, protocol: PROTOCOL, capacity: 4 });
  edge.order({ kind: 'drain', on: false });
  await edge.changes.until(() => edge.control.find((frame) => frame.kind === 'draining' && frame.on === false));
  launch(OTHER);
  expect(await edge.frame('started', 1)).toMatchObject(OTHER);
});

test('what it does not know of a newer edge is passed over, and the connection stays', async () => {
  const edge = await edgeOf(PROTOCOL + 1);
  const { launch, lines } = await runRunner({ edge });
  edge.say({ kind: 'of_next_year', more: 1 });
  edge.say({ kind: 'launch', launch: { ...launchOf(KEY), extra: 1 } });
  const later = launchOf(OTHER);
  edge.say({ kind: 'launch', launch: { ...later, config: { ...later.config, of_next_year: true } }, extra: 1 });
  await edge.frame('started', 1);
  launch({ ...KEY, epoch: 2 });
  await edge.frame('started', 2);
  expect(edge.controlConnections).toBe(1);
  expect(lines.join('\n')).toContain('the edge is newer');
});

test('a launch that it cannot read is answered, so that its session says what to upgrade', async () => {
  const edge = await edgeOf(PROTOCOL + 1);
  await runRunner({ edge });
  edge.say({ kind: 'launch', launch: { ...launchOf(KEY), resume: 'perhaps' } });
  const reason = { code: 'container_start_failed', detail: expect.stringContaining('upgrade the runner') };
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason });
  expect(edge.controlConnections).toBe(1);
});

test('an edge two versions apart is left, with a sentence that says what to upgrade', async () => {
  const edge = await edgeOf(PROTOCOL + 2);
  const { lines } = await runRunner({ edge });
  await until(() => expect(lines.join('\n')).toContain('upgrade the runner'));
});
