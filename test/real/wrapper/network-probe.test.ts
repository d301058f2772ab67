import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { whatAnswers } from '../../../wrapper/seal/network-probe.ts';
import { networkTargets, TASK_METADATA, type NetworkTarget } from '../../../wrapper/seal/network-targets.ts';
import { freePort } from '../../support/net/free-port.ts';
import { listen } from '../../support/net/listen.ts';

const tcp = (name: string, port: number): NetworkTarget => ({ name, by: 'tcp', host: '127.0.0.1', port });
const dns = (name: string, port: number): NetworkTarget => ({ name, by: 'dns', host: '127.0.0.1', port });

test('what accepts a connection, or refuses it, has answered', async () => {
  const server = net.createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  const open = await listen(server, '127.0.0.1');
  const targets = [tcp('open', open), tcp('closed', await freePort('127.0.0.1'))];
  expect(await whatAnswers(targets, 300)).toEqual(['open', 'closed']);
});

test('a name server that answers is found, and one that does not is not', async () => {
  const server = dgram.createSocket('udp4');
  onTestFinished(() => void server.close());
  server.on('message', (question, { port, address }) => server.send(question, port, address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const mute = dgram.createSocket('udp4');
  onTestFinished(() => void mute.close());
  mute.bind(0, '127.0.0.1');
  await once(mute, 'listening');
  const targets = [dns('answers', server.address().port), dns('mute', mute.address().port)];
  expect(await whatAnswers(targets, 300)).toEqual(['answers']);
});

test('the outside, both kinds of metadata, names, and the runner’s other ports are tried; its own port for porters is not', () => {
  const targets = networkTargets({ host: '10.0.0.7', port: 8000 }, ['10.0.0.2']);
  const names = new Set(targets.map(({ name }) => name));
  for (const name of ['outside', 'instance metadata', TASK_METADATA, 'name server 10.0.0.2', 'port 22 of the runner'])
    expect(names).toContain(name);
  expect(targets.filter(({ host, port }) => host === '10.0.0.7' && port === 8000)).toEqual([]);
});
