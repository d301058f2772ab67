import { spawn, type ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Refused } from '../../start/lib/refused.ts';
import { freePort } from '../../test/support/net/free-port.ts';

/** A server that a program asks for a session. */
export interface Contender {
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

/** Debian's Python, which has Debian's packages. */
const PYTHON = '/usr/bin/python3';
const PACKAGES = 'fastapi, uvicorn, redis, jose';

interface Options {
  readonly secret: string;
  readonly token: string;
  readonly folder: string;
  readonly onEnd: (end: () => Promise<void>) => void;
}

/** FastAPI and Redis, as an own process each; or what is missing of it. */
export async function startFastApi({ secret, token, folder, onEnd }: Options): Promise<Contender | Refused> {
  try {
    await promisify(execFile)(PYTHON, ['-c', `import ${PACKAGES}`]);
    await promisify(execFile)('redis-server', ['--version']);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      refused: `it needs redis-server, and of Python: ${PACKAGES} (Debian: redis-server python3-fastapi uvicorn python3-redis python3-jose)`,
    };
  }
  const socket = path.join(folder, 'redis.sock');
  start('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder], {}, onEnd);
  const port = await freePort('127.0.0.1');
  const uvicorn = [
    '-m',
    'uvicorn',
    'app:app',
    '--app-dir',
    import.meta.dirname,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--no-access-log',
    '--log-level',
    'warning',
  ];
  start(PYTHON, uvicorn, { JWT_SECRET: secret, REDIS_SOCKET: socket, PYTHONDONTWRITEBYTECODE: '1' }, onEnd);
  const url = `http://127.0.0.1:${port}/sessions/s1`;
  await untilOk(url, { method: 'PUT' });
  return { name: 'FastAPI + Redis', url, token };
}

/** node:http, jose and a Map: less than any framework does. */
export async function startJose({ secret, token, onEnd }: Options): Promise<Contender> {
  const port = await freePort('127.0.0.1');
  start(
    process.execPath,
    [path.join(import.meta.dirname, 'jose-server.ts'), String(port)],
    { JWT_SECRET: secret },
    onEnd,
  );
  const url = `http://127.0.0.1:${port}/sessions/s1`;
  await untilOk(url, { headers: { authorization: `Bearer ${token}` } });
  return { name: 'node:http + jose + a Map', url, token };
}

function start(program: string, args: string[], env: Record<string, string>, onEnd: Options['onEnd']): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const exit = once(child, 'exit');
  onEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exit;
  });
  return child;
}

const START_MS = 60_000;

async function untilOk(url: string, init: RequestInit): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      const response = await fetch(url, init);
      await response.text();
      if (response.ok) return;
    } catch (error) {
      // It does not listen yet.
      if (!(error instanceof TypeError)) throw error;
    }
    if (performance.now() > deadline) throw new Error(`nothing answers at ${url}`);
    await delay(50);
  }
}
