import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { claimPort, isLoopback, localUrl } from '../../../../start/lib/port.ts';

test('a port in use is one line that says what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(await claimPort('127.0.0.1', port)).toEqual({
    refused: `port ${port} on 127.0.0.1 is in use: stop what uses it, or set PORT`,
  });
  server.close();
  await once(server, 'close');
  expect(await claimPort('127.0.0.1', port)).toEqual({ port });
});

test('port 0 is one that is free', async () => {
  expect(await claimPort('127.0.0.1', 0)).toEqual({ port: expect.any(Number) });
  expect(await claimPort('127.0.0.1', 0)).not.toEqual({ port: 0 });
});

test("an address that is not this machine's is refused", async () => {
  expect(await claimPort('192.0.2.1', 0)).toEqual({ refused: expect.stringContaining('HOST 192.0.2.1') });
});

test('what only this machine reaches is told from what others reach', () => {
  expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org'].some(isLoopback)).toBe(false);
  expect(localUrl('0.0.0.0', 8000)).toBe('http://127.0.0.1:8000');
  expect(localUrl('::1', 8000)).toBe('http://[::1]:8000');
});
