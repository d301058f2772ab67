import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CloseCode } from '../../../../protocol/close-code.ts';
import type { SessionFrame } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import { processStart } from '../../../../runner/lib/process-identity.ts';
import type { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { runRunner, sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };

/** The pid of a child that the fake wrapper started apart from itself. */
async function spawnApart(edge: FakeEdge, id: string): Promise<number> {
  edge.prompt(id, 'spawn');
  const item = await edge.line(id, (said) => said.startsWith('spawned '));
  return Number(item.split(' ')[1]);
}

test('the pool is told what the runner has counted, when that changes', async () => {
  const { edge, launch } = await runRunner({ metricsMs: 50 });
  const started = 'cc_docker_runner_launches_total{outcome="started"}';
  const before = (await edge.frame('hello')).metrics?.[started] ?? 0;
  launch(KEY);
  await edge.changes.until(() =>
    edge.control.some((one) => one.kind === 'health' && one.metrics?.[started] === before + 1),
  );
});

test('a container that dies while the edge is away is reported only once its last words are stored', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  const session = edge.session(KEY.session_id);
  await edge.changes.until(() => session.items.length === 2);
  session.mute = true;
  edge.prompt(KEY.session_id, 'last words');
  edge.prompt(KEY.session_id, 'complain that it hurts');
  await expect.poll(() => edge.control.length).toBe(2);
  edge.leave();
  session.mute = false;
  edge.comeBack();
  const ended = await edge.frame('ended');
  expect(session.items).toContain('echo last words');
  expect(ended.reason).toMatchObject({ code: 'container_exited', detail: expect.stringContaining('code 9') });
  expect(ended.reason.detail).toContain('that it hurts');
});

test('a launch beyond the capacity is refused with a reason, and one that ended makes room', async () => {
  const { edge, launch } = await runRunner({ capacity: 1 });
  const other = { session_id: sessionId(2), epoch: 1 };
  launch(KEY);
  launch(other);
  expect(await edge.frame('ended')).toMatchObject({ ...other, reason: { code: 'container_start_failed' } });
  await edge.frame('started');
  edge.order({ kind: 'stop', ...KEY });
  await edge.frame('ended', 1);
  launch({ ...other, epoch: 2 });
  expect(await edge.frame('started', 1)).toMatchObject({ epoch: 2 });
});

test('what the pool does not want is ended', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  await edge.frame('started');
  edge.order({ kind: 'welcome', wanted: [] });
  expect(await edge.frame('ended')).toMatchObject(KEY);
});

test('a container whose session is gone is ended', async () => {
  const { edge, launch } = await runRunner();
  const session = edge.session(KEY.session_id);
  launch(KEY);
  await edge.changes.until(() => session.items.length === 2);
  session.refuseWith = CloseCode.notFound;
  session.socket?.close(CloseCode.notFound);
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'container_exited' } });
});

test('a wrapper that is stopped in its container is noticed: nobody can speak in its place, and the container is ended', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  await edge.line(KEY.session_id, (item) => item.includes('resume'));
  edge.prompt(KEY.session_id, 'freeze');
  const { reason } = await edge.frame('ended');
  expect(reason).toMatchObject({ code: 'claude_unresponsive', detail: expect.stringContaining('10 s') });
});

test('to remove a session ends its container and deletes its files, again and again if asked', async () => {
  const { edge, launch, session } = await runRunner();
  launch(KEY);
  await edge.frame('started');
  expect(existsSync(path.join(session(KEY), 'workspace'))).toBe(true);
  edge.order({ kind: 'remove', session_id: KEY.session_id });
  await edge.frame('removed');
  expect(existsSync(session(KEY))).toBe(false);
  edge.order({ kind: 'remove', session_id: KEY.session_id });
  await edge.frame('removed', 1);
});

test('a stop for what this runner does not have is answered, so that the pool can let go of it', async () => {
  const { edge } = await runRunner();
  edge.order({ kind: 'stop', ...KEY });
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_lost' } });
});

test('a drain tells the pool, ends every container, and leaves no process', async () => {
  const { edge, launch, runner } = await runRunner();
  launch(KEY);
  await edge.frame('started');
  const child = await spawnApart(edge, KEY.session_id);
  await runner.drain();
  await edge.frame('draining');
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_draining' } });
  expect(processStart(child)).toBeUndefined();
});

test('a session is resumed exactly when Claude Code left a transcript of it', async () => {
  const { edge, launch, session } = await runRunner();
  const told = async (epoch: number) => {
    edge.session(KEY.session_id).items.length = 0;
    launch({ ...KEY, epoch });
    const item = await edge.line(KEY.session_id, (said) => said.includes('"resume"'));
    edge.order({ kind: 'stop', ...KEY, epoch });
    await edge.frame('ended', epoch - 1);
    return JSON.parse(item).resume;
  };
  expect(await told(1)).toBe(false);
  const project = path.join(session(KEY), 'claude', 'projects', '-workspace');
  mkdirSync(project, { recursive: true });
  writeFileSync(path.join(project, `${KEY.session_id}.jsonl`), '{}\n');
  expect(await told(2)).toBe(true);
});

test('nothing of the runner’s environment reaches Claude Code', async () => {
  process.env['ANTHROPIC_API_KEY'] = 'real-secret';
  try {
    const { edge, launch } = await runRunner();
    launch(KEY);
    const item = await edge.line(KEY.session_id, (said) => said.includes('"env"'));
    const { env } = JSON.parse(item);
    expect(env).toMatchObject({ ANTHROPIC_API_KEY: expect.stringContaining('dummy'), DISABLE_TELEMETRY: '1' });
    expect(item).not.toContain('real-secret');
  } finally {
    delete process.env['ANTHROPIC_API_KEY'];
  }
});

test('the first turn waits a few seconds for MCP servers, and a slow one has longer to connect', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  const { env } = JSON.parse(await edge.line(KEY.session_id, (said) => said.includes('"env"')));
  // Tried in test/real/wrapper/claude/mcp.test.ts: without the first of them the turn waits as long as a server may take.
  expect(Number(env.CLAUDE_CODE_MCP_STARTUP_WAIT_MS)).toBeLessThanOrEqual(5000);
  expect(Number(env.MCP_TIMEOUT)).toBeGreaterThanOrEqual(60_000);
});

test('a session whose budget is spent waits for the model until it is raised, whether the edge is there or not', async () => {
  const { edge, launch } = await runRunner();
  launch(KEY);
  const item = await edge.line(KEY.session_id, (said) => said.includes('"env"'));
  const { env } = JSON.parse(item);
  // Tried: without these `claude` hangs up after six minutes, and gives up a subagent after ten.
  for (const patience of ['API_TIMEOUT_MS', 'CLAUDE_ASYNC_AGENT_STALL_TIMEOUT_MS'])
    expect(Number(env[patience])).toBeGreaterThan(7 * 86_400_000);
  expect(env.API_FORCE_IDLE_TIMEOUT).toBe('0');
  const socketPath: string = env.ANTHROPIC_UNIX_SOCKET;
  const session = edge.session(KEY.session_id);
  const hold = async (held: boolean) => {
    session.socket?.send(JSON.stringify({ kind: 'model', held } satisfies SessionFrame));
    // What is ordered after it is done after it.
    edge.prompt(KEY.session_id, `held: ${held}`);
    await edge.line(KEY.session_id, (said) => said === `echo held: ${held}`);
  };
  const answers: (number | undefined)[] = [];
  const call = async () => {
    const request = http.request({ socketPath, method: 'POST', path: '/v1/messages?beta=true' });
    request.on('response', (response) => answers.push(response.resume().statusCode));
    request.on('error', () => answers.push(undefined));
    // More than the kernel keeps in between: once it is written, the gateway has read of it.
    request.end(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(4_000_000) }] }));
    await once(request, 'finish');
  };
  await hold(true);
  await call();
  edge.leave();
  await expect.poll(() => session.socket).toBe(undefined);
  await call();
  expect(answers).toEqual([]);
  edge.comeBack();
  await edge.changes.until(() => session.hellos.length === 2);
  await call();
  expect(answers).toEqual([]);
  await hold(false);
  await expect.poll(() => answers).toEqual([200, 200, 200]);
});

test('a data folder of any depth works, and only its owner can enter its sessions', async () => {
  const folder = path.join(scratch(), 'deep'.repeat(20), 'deeper'.repeat(20));
  const { edge, launch, session } = await runRunner({ folder });
  launch(KEY);
  await edge.changes.until(() => edge.session(KEY.session_id).items.length === 2);
  expect(statSync(session(KEY)).mode & 0o777).toBe(0o700);
});

test('two runners cannot share a data folder', async () => {
  const { folder } = await runRunner();
  await expect(runRunner({ folder })).rejects.toThrow(/Another runner \(process \d+\) uses/);
});
