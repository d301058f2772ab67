import { randomBytes } from 'node:crypto';
import http2 from 'node:http2';
import net from 'node:net';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { ARRIVAL_PATH, DOOR_NAME } from '../../../../protocol/link/porter.ts';
import { seriesOf } from '../../../../protocol/metrics/registry.ts';
import { runnerMetrics } from '../../../../runner/lib/metrics.ts';
import { readToTheEnd } from '../../../../runner/lib/streams/read-to-the-end.ts';
import { freePort } from '../../../support/net/free-port.ts';
import { isHealthy, openDoor, porterEnvironment, startPorter } from '../../../support/porter/running-porter.ts';
import {
  answered,
  digest,
  echo,
  exchange,
  saidUntilClosed,
  sessionWith,
} from '../../../support/porter/session-ends.ts';
import { sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';
import { WAIT_MS } from '../../../support/patience.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };
const OTHER = { session_id: sessionId(2), epoch: 1 };
const sessionKey = () => randomBytes(32).toString('base64url');

const refusals = (): number =>
  runnerMetrics.all()[seriesOf('cc_docker_runner_porter_refusals_total', { why: 'too_many_streams' })] ?? 0;

/** A caller by hand: says this at its arrival. @returns the status, or how it was closed, and all that it was told */
async function call(
  { address, ca }: { address: string; ca: string },
  arrival: unknown,
  options: tls.ConnectionOptions = {},
) {
  const [host, port] = address.split(':');
  const socket = tls.connect({
    host,
    port: Number(port),
    ca,
    servername: DOOR_NAME,
    ALPNProtocols: ['h2'],
    ...options,
  });
  socket.on('error', () => {});
  const session = http2.connect('https://door', { createConnection: () => socket });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  const request = session.request({ ':method': 'POST', ':path': ARRIVAL_PATH }, { endStream: false });
  request.on('error', () => {});
  const status = new Promise<number | 'closed'>((resolve) => {
    request.once('response', (headers) => resolve(Number(headers[':status'])));
    session.once('close', () => resolve('closed'));
  });
  request.end(JSON.stringify(arrival));
  return { status: await status, session };
}

test('a porter carries each of the session’s sockets to the runner, whole and both ways', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder);
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  await sessionWith(folder, KEY.session_id, 'model', echo('model:'));
  const { token } = await door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  const environment = porterEnvironment(run, door, token);
  const porter = startPorter(run, environment);
  await porter.ready();
  expect(await isHealthy(environment)).toBe(true);
  expect(await door.arrived(KEY, AbortSignal.timeout(WAIT_MS))).toMatchObject({ address: '127.0.0.1' });

  expect((await exchange(path.join(run, 'link.sock'), 'hello')).toString()).toBe('link:hello');
  const large = randomBytes(5_000_000);
  const answers = await Promise.all(Array.from({ length: 4 }, () => exchange(path.join(run, 'model.sock'), large)));
  for (const answer of answers) expect(digest(answer.subarray('model:'.length))).toBe(digest(large));
  // The runner has no proxy for this session: the connection is closed.
  expect(await answered(path.join(run, 'proxy.sock'))).toBe(false);
  // The token is nowhere but in its own environment.
  expect(porter.said()).not.toContain(token);
});

test('who has no token, a used one or another session’s is closed, and told nothing', async () => {
  const folder = scratch();
  const { door, lines } = await openDoor(folder);
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const { token } = await door.expect(KEY, folders);
  const foreign = await openDoor(path.join(folder, 'another'));
  const { token: foreignToken } = await foreign.door.expect(KEY, folders);
  const version = '0.1.0';
  const mine = sessionKey();
  const [, , mac] = token.split('.');
  const wrong = [
    {},
    { token: '', session_key: mine, version },
    { token: foreignToken, session_key: mine, version },
    // Of a session that is not expected, and of an epoch that is not yet.
    { token: `${OTHER.session_id}.1.${mac}`, session_key: mine, version },
    { token: `${KEY.session_id}.2.${mac}`, session_key: mine, version },
    { token, session_key: 'short', version },
    { token, session_key: mine, version: 'x'.repeat(100_000) },
  ];
  for (const arrival of wrong) expect((await call(door, arrival)).status).toBe('closed');

  const first = await call(door, { token, session_key: mine, version });
  expect(first.status).toBe(200);
  expect((await call(door, { token, session_key: sessionKey(), version })).status).toBe('closed');
  // The one who has come is not disturbed by that.
  expect(first.session.destroyed).toBe(false);
  // It may come again, and takes its own place.
  expect((await call(door, { token, session_key: mine, version })).status).toBe(200);
  await until(() => expect(first.session.destroyed).toBe(true));
  await door.forget(KEY);
  expect((await call(door, { token, session_key: mine, version })).status).toBe('closed');
  expect(lines.join('')).not.toContain(mac);
});

test('what is no porter gets no answer: another version of TLS, no certificate’s name, no HTTP/2, silence, other requests', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder);
  const impatient = await openDoor(path.join(folder, 'impatient'), { bounds: { arrivalMs: 300 } });
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const { token } = await door.expect(KEY, folders);
  const arrival = { token, session_key: sessionKey(), version: '0.1.0' };
  for (const options of [
    { maxVersion: 'TLSv1.2' as const },
    { servername: 'localhost' },
    { ALPNProtocols: ['http/1.1'] },
  ])
    expect((await call(door, arrival, options)).status).toBe('closed');
  const silentTo = Number(impatient.door.address.split(':')[1]);
  expect(await saidUntilClosed(net.connect(silentTo, '127.0.0.1'))).toBe('');
  const port = Number(door.address.split(':')[1]);
  const plain = net.connect(port, '127.0.0.1');
  plain.write('GET / HTTP/1.1\r\n\r\n');
  // An alert of TLS at most.
  expect((await saidUntilClosed(plain)).length).toBeLessThan(16);
  const socket = tls.connect({ port, ca: door.ca, servername: DOOR_NAME, ALPNProtocols: ['h2'] });
  const session = http2.connect('https://door', { createConnection: () => socket });
  session.on('error', () => {});
  session.request({ ':path': '/link' }).on('error', () => {});
  await once(session, 'close');
  // The token is still good.
  expect((await call(door, arrival)).status).toBe(200);
});

test('strangers who connect and say nothing are bounded, and porters get in all the same', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder, { bounds: { callersPerAddress: 8 } });
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const { token } = await door.expect(KEY, folders);
  const port = Number(door.address.split(':')[1]);
  const strangers = Array.from({ length: 16 }, () =>
    net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }),
  );
  onTestFinished(() => strangers.forEach((socket) => socket.destroy()));
  let closed = 0;
  for (const socket of strangers) socket.on('error', () => {}).on('close', () => (closed += 1));
  await until(() => expect(closed).toBe(8));
  expect((await call(door, { token, session_key: sessionKey(), version: '0.1.0' })).status).toBe(200);
});

test('a session has no more connections than its runner grants, is refused the next, and gets on when one ends', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder, { bounds: { streams: 16 } });
  const folders = await sessionWith(folder, KEY.session_id, 'model', echo('model:'));
  const { token } = await door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  const porter = startPorter(run, porterEnvironment(run, door, token));
  await porter.ready();
  const before = refusals();
  const open = Array.from({ length: 16 }, () => net.connect(path.join(run, 'model.sock')));
  onTestFinished(() => open.forEach((socket) => socket.destroy()));
  await Promise.all(open.map((socket) => once(socket, 'data')));
  expect(await answered(path.join(run, 'model.sock'))).toBe(false);
  expect(refusals()).toBeGreaterThan(before);
  open[0]?.destroy();
  await until(async () => {
    const socket = net.connect(path.join(run, 'model.sock'));
    onTestFinished(() => void socket.destroy());
    const [said] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    expect(String(said)).toBe('model:');
  });
});

test('a token is bound to the address of the task', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder);
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const { token } = await door.expect(KEY, folders);
  const arrival = { token, session_key: sessionKey(), version: '0.1.0' };
  expect(door.bind(KEY, '127.0.0.2')).toBe(true);
  expect((await call(door, arrival)).status).toBe('closed');
  expect((await call(door, arrival, { localAddress: '127.0.0.2' } as tls.ConnectionOptions)).status).toBe(200);
  // Its session key is of no use elsewhere.
  expect((await call(door, arrival)).status).toBe('closed');

  const others = await sessionWith(folder, OTHER.session_id, 'link', echo('link:'));
  const stolen = await call(door, {
    token: (await door.expect(OTHER, others)).token,
    session_key: sessionKey(),
    version: '0.1.0',
  });
  expect(stolen.status).toBe(200);
  expect(door.bind(OTHER, '127.0.0.2')).toBe(false);
  await until(() => expect(stolen.session.destroyed).toBe(true));
});

test('a porter that was there before the runner, and outlives it, finds it again; nobody else is taken for it', async () => {
  const folder = scratch();
  const port = await freePort();
  const listen = { host: '127.0.0.1', port };
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const early = await openDoor(folder, { listen });
  const { token } = await early.door.expect(KEY, folders);
  await early.close();
  const run = path.join(folder, 'task');
  const environment = porterEnvironment(run, early.door, token);
  const porter = startPorter(run, environment);
  await until(() => expect(porter.said()).toContain('no connection to the runner'));
  expect(await isHealthy(environment)).toBe(false);

  const first = await openDoor(folder, { listen });
  // The same token, though nothing was kept of it.
  expect((await first.door.expect(KEY, folders)).token).toBe(token);
  await porter.ready();
  expect((await exchange(path.join(run, 'link.sock'), '1')).toString()).toBe('link:1');
  const file = path.join(folders.root, 'porter.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(token);

  await first.close();
  await until(async () => {
    expect(await answered(path.join(run, 'link.sock'))).toBe(false);
  });
  const second = await openDoor(folder, { listen });
  await second.door.expect(KEY, folders);
  expect((await call(second.door, { token, session_key: sessionKey(), version: '0.1.0' })).status).toBe('closed');
  await second.door.arrived(KEY, AbortSignal.timeout(WAIT_MS));
  // The porter may not have heard yet that it is welcome.
  await until(async () => {
    expect((await exchange(path.join(run, 'link.sock'), '3')).toString()).toBe('link:3');
  });
  expect(await isHealthy(environment)).toBe(true);
});

test('who hangs up is not sent to for ever', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder);
  const closed = Promise.withResolvers<void>();
  const folders = await sessionWith(folder, KEY.session_id, 'proxy', (socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
    };
    socket.on('drain', more).once('close', () => closed.resolve());
    socket.resume();
    more();
  });
  const { token } = await door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  await startPorter(run, porterEnvironment(run, door, token)).ready();
  const client = net.connect(path.join(run, 'proxy.sock'));
  await once(client, 'data');
  client.destroy();
  await closed.promise;
});

test('what a wrapper said before it was killed arrives, also while the porter is told to stop', async () => {
  const folder = scratch();
  const { door } = await openDoor(folder);
  let heard = 0;
  const connected = Promise.withResolvers<void>();
  const folders = await sessionWith(folder, KEY.session_id, 'link', (socket) => {
    connected.resolve();
    readToTheEnd(socket);
    // Acknowledges whatever comes, as the relay does, to whom may not be there any more.
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.length;
      socket.write('ack\n');
    });
    socket.on('end', () => socket.end());
  });
  const { token } = await door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  const porter = startPorter(run, porterEnvironment(run, door, token));
  await porter.ready();

  const wrapper = net.connect(path.join(run, 'link.sock'));
  await connected.promise;
  porter.child.kill('SIGTERM');
  await until(() => expect(porter.said()).toContain('stopping'));
  const length = 3_000_000;
  wrapper.write(Buffer.alloc(length), () => wrapper.destroy());
  await porter.ended;
  expect(porter.child.exitCode).toBe(0);
  await until(() => expect(heard).toBe(length));
});
