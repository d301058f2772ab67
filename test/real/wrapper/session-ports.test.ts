import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { SessionPorts } from '../../../wrapper/ports/session-ports.ts';
import { freePort } from '../../support/net/free-port.ts';
import { listen } from '../../support/net/listen.ts';

/** The ports of a real machine: this one's, as the wrapper of a session without a container sees them. */

const SESSION = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

const SERVER = `const port = Number(process.argv[1]);
require('net').createServer().listen(port, '127.0.0.1', () => process.stdout.write('listens'));`;

/** A process that listens, of the session with this id. */
async function serves(session: string): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort('127.0.0.1');
  const child = spawn(process.execPath, ['-e', SERVER, String(port)], {
    env: { CC_DOCKER_SESSION: session },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ended.push(() => child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { port, child };
}

const portsOf = (seal: boolean) => new SessionPorts({ session_id: SESSION, seal });

test('without a container, only what the session’s own processes listen on is the session’s', async () => {
  const own = await serves(SESSION);
  const other = await serves(SESSION.replace('01939f5a', '01939f5b'));
  const ports = portsOf(false);
  const open = ports.open().map(({ port }) => port);
  expect(open).toContain(own.port);
  expect(open).not.toContain(other.port);
  expect(ports.open().find(({ port }) => port === own.port)?.process).toMatch(/^(node|MainThread)/);
  expect({ own: ports.mayReach(own.port), other: ports.mayReach(other.port) }).toEqual({ own: true, other: false });
  // Whoever listens there later is judged anew.
  other.child.kill();
  await new Promise((resolve) => other.child.once('exit', resolve));
  expect(ports.mayReach(other.port)).toBe(true);
});

test('in a container, all that listens is the session’s, but what the wrapper itself listens on', async () => {
  const server: Server = createServer();
  const port = await listen(server, '127.0.0.1');
  ended.push(() => server.close());
  const other = await serves('another');
  const ports = portsOf(true);
  const open = ports.open().map((each) => each.port);
  expect(open).toContain(other.port);
  expect(open).not.toContain(port);
  expect({ wrapper: ports.mayReach(port), other: ports.mayReach(other.port) }).toEqual({ wrapper: false, other: true });
});
