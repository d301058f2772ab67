import { once } from 'node:events';
import { request as send, type ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { PauseGate } from '../../../../runner/model/pause-gate.ts';
import { createModelPool } from '../../../../runner/model/pool.ts';
import { containerModelEnv } from '../../../../runner/model/upstream.ts';
import { scripted, startClaude } from '../../../support/model/model-claude.ts';
import { openTestGateway, type TestGateway } from '../../../support/model/model-socket.ts';
import { startUpstream } from '../../../support/model/model-upstream.ts';

const open: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function heldGateway(...answer: Parameters<typeof startUpstream>) {
  const upstream = await startUpstream(...answer);
  onTestFinished(() => upstream.close());
  const model = { kind: 'anthropic' as const, baseUrl: upstream.url, credential: undefined };
  const gateway = await openTestGateway({ upstream: model, pool: createModelPool() });
  open.push(gateway);
  gateway.setPaused(true);
  return { gateway, upstream };
}

/** More than the kernel keeps in between: once it is written, the gateway has read of it. */
const MIB = 1024 * 1024;
const bodyOf = (megabytes: number, letter: string): string => JSON.stringify({ text: letter.repeat(megabytes * MIB) });

interface Posted {
  request: ClientRequest;
  status: Promise<number | undefined>;
}

function post({ socketPath }: TestGateway, body: string): Posted {
  const request = send({ socketPath, method: 'POST', path: '/v1/messages?beta=true' });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  request.on('response', (response) => resolve(response.resume().statusCode));
  request.on('error', () => resolve(undefined));
  request.end(body);
  return { request, status: promise };
}

/** Posts, and waits until the gateway has it. */
async function posted(gateway: TestGateway, body: string): Promise<Posted> {
  const one = post(gateway, body);
  await once(one.request, 'finish');
  return one;
}

test('held back, a request waits and the model sees nothing of it; let go, all go on whole', async () => {
  const { gateway, upstream } = await heldGateway();
  const bodies = ['a', 'b', 'c'].map((letter) => bodyOf(4, letter));
  const waiting = await Promise.all(bodies.map((body) => posted(gateway, body)));
  expect([upstream.seen, gateway.exchanges]).toEqual([[], []]);
  gateway.setPaused(false);
  expect(await Promise.all(waiting.map(({ status }) => status))).toEqual([200, 200, 200]);
  const seen = upstream.seen.map(({ body }) => body).toSorted();
  expect(seen.map((body, n) => body === bodies[n])).toEqual([true, true, true]);
  expect(gateway.exchanges).toMatchObject(bodies.map(() => ({ outcome: 'answered', status: 200 })));
});

test('a small request waits too, and one that comes later is not held', async () => {
  const { gateway, upstream } = await heldGateway();
  const early = await posted(gateway, '{"n":1}');
  await posted(gateway, bodyOf(4, 'x'));
  expect(upstream.seen).toEqual([]);
  gateway.setPaused(false);
  expect(await early.status).toBe(200);
  expect((await gateway.post({ n: 2 })).status).toBe(200);
});

test('held back again at once, what had waited goes on all the same', async () => {
  const { gateway, upstream } = await heldGateway();
  const first = await posted(gateway, bodyOf(4, 'x'));
  gateway.setPaused(false);
  gateway.setPaused(true);
  expect(await first.status).toBe(200);
  await posted(gateway, bodyOf(4, 'y'));
  expect(upstream.seen).toHaveLength(1);
});

test('a client that hangs up meanwhile is forgotten at once, and the model never hears of it', async () => {
  const { gateway, upstream } = await heldGateway();
  const gone = await posted(gateway, bodyOf(4, 'x'));
  gone.request.destroy();
  await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
  gateway.setPaused(false);
  expect((await gateway.post({ after: true })).status).toBe(200);
  expect(upstream.seen.map(({ body }) => body)).toEqual(['{"after":true}']);
  expect(gateway.log).toEqual([]);
});

test('what waits is read as far as there is room, and goes on whole', async () => {
  const gate = new PauseGate(100_000);
  for (const letter of ['a', 'b']) {
    gate.set(true);
    let made = 0;
    const chunks = function* (): Generator<string> {
      for (; made < 100; made += 1) yield letter.repeat(10_000);
    };
    const source = Readable.from(chunks(), { objectMode: false });
    const passing = gate.pass(source, new AbortController().signal);
    await expect.poll(() => source.isPaused()).toBe(true);
    expect(made).toBeGreaterThanOrEqual(9);
    expect(made).toBeLessThan(50);
    gate.set(false);
    expect(await text(await passing)).toBe(letter.repeat(1_000_000));
  }
});

test('a call whose client has hung up already is not held', async () => {
  const gate = new PauseGate(100_000);
  gate.set(true);
  await expect(gate.pass(Readable.from([]), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
});

test('more than there is room for goes on whole', async () => {
  const { gateway, upstream } = await heldGateway();
  const bodies = ['a', 'b', 'c'].map((letter) => bodyOf(20, letter));
  const first = await posted(gateway, bodies[0] ?? '');
  const stuck = bodies.slice(1).map((body) => post(gateway, body));
  await Promise.all(stuck.map(({ request }) => once(request, 'socket')));
  gateway.setPaused(false);
  expect(await Promise.all([first, ...stuck].map(({ status }) => status))).toEqual([200, 200, 200]);
  const seen = upstream.seen.map(({ body }) => body).toSorted();
  expect(seen.map((body, n) => body === bodies[n])).toEqual([true, true, true]);
});

test('what is at the model already goes on', async () => {
  const rest = Promise.withResolvers<void>();
  const { gateway } = await heldGateway(async (response) => {
    response.writeHead(200).write('first ');
    await rest.promise;
    response.end('last');
  });
  gateway.setPaused(false);
  const { body } = await gateway.open('{}');
  gateway.setPaused(true);
  rest.resolve();
  expect(await body.text()).toBe('first last');
});

test('what the gateway does not take is refused at once', async () => {
  const { gateway } = await heldGateway();
  const { statusCode } = await gateway.dispatcher.request({ origin: 'http://m', path: '/v1/files', method: 'POST' });
  expect(statusCode).toBe(404);
});

test('closed while requests wait, it ends, and with it they', async () => {
  const { gateway, upstream } = await heldGateway();
  const waiting = [await posted(gateway, bodyOf(4, 'x')), await posted(gateway, bodyOf(4, 'y'))];
  open.splice(0);
  await gateway.close();
  expect(await Promise.all(waiting.map(({ status }) => status))).toEqual([undefined, undefined]);
  await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }, { outcome: 'aborted' }]);
  expect([upstream.seen, gateway.log]).toEqual([[], []]);
});

test('claude, held back for seconds in the midst of a turn, ends it as if nothing had been', async () => {
  const gateway = await openTestGateway({ upstream: { kind: 'demo' } });
  open.push(gateway);
  const claude = await startClaude(containerModelEnv({ kind: 'demo' }, gateway.socketPath));
  onTestFinished(() => claude.close());
  const tool = { tool: 'Bash', input: { command: 'echo from-bash' } };
  const turn = claude.ask(scripted([{ tools: [tool] }, { text: '{{last_tool_result}}' }], 'go'));
  await expect.poll(() => gateway.exchanges.length).toBe(1);
  gateway.setPaused(true);
  const requests = () => claude.said.filter((said) => said === 'system/status/requesting').length;
  await expect.poll(requests).toBe(2);
  // The second call: nothing comes of it.
  await pause(3000);
  expect(gateway.exchanges).toHaveLength(1);
  gateway.setPaused(false);
  expect(await turn).toMatchObject({ is_error: false, terminal_reason: 'completed', result: 'from-bash' });
  expect(claude.said.filter((said) => said.startsWith('result'))).toHaveLength(1);
  expect(claude.said.filter((said) => said.includes('retry') || said.includes('error'))).toEqual([]);
});

test('an interrupt ends a turn that is held back, and the next one goes on', async () => {
  const gateway = await openTestGateway({ upstream: { kind: 'demo' } });
  open.push(gateway);
  const claude = await startClaude(containerModelEnv({ kind: 'demo' }, gateway.socketPath));
  onTestFinished(() => claude.close());
  gateway.setPaused(true);
  const turn = claude.ask('hello');
  await expect.poll(() => claude.said.includes('system/status/requesting')).toBe(true);
  claude.interrupt();
  expect((await turn).terminal_reason).toBe('aborted_streaming');
  gateway.setPaused(false);
  expect(await claude.ask('Still there?')).toMatchObject({ is_error: false });
  // The first may have been given up before it came.
  expect(gateway.exchanges.filter(({ outcome }) => outcome !== 'aborted')).toMatchObject([{ outcome: 'answered' }]);
});
