import { once } from 'node:events';
import { createServer, createConnection } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answerSocket } from '../../../../runner/egress/proxy/answer.ts';
import { scratch } from '../../../support/scratch.ts';

test('an answer that ends its connection is read, but who goes on sending is not read without end', async () => {
  const socketPath = path.join(scratch(), 'proxy.sock');
  let heard = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('close', () => (heard = socket.bytesRead));
    answerSocket(socket, { status: 431, text: 'cc-docker: too long.\n' });
  }).listen(socketPath);
  onTestFinished(() => void server.close());
  await once(server, 'listening');

  const client = createConnection({ path: socketPath, allowHalfOpen: true });
  let answer = '';
  client.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  // The reset that ends it.
  client.on('error', () => undefined);
  const closed = new Promise((resolve) => client.once('close', resolve));
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const send = (error?: Error | null): void => {
    if (!error && !client.destroyed) client.write(chunk, send);
  };
  send();
  await closed;
  expect(answer).toMatch(/^HTTP\/1\.1 431 .*too long/);
  await expect.poll(() => heard).toBeGreaterThan(0);
  expect(heard).toBeLessThan(2 * 1024 * 1024);
});
