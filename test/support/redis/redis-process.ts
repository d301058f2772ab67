import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two looks whether it listens, milliseconds. */
const POLL_MS = 10;

/** Ends Redis when its starter ends, however that ends: then the pipe closes that is this script's input. */
const WITH_STARTER = 'redis-server "$@" & server=$!; cat >/dev/null; kill $server; wait $server';

export interface RedisProcess {
  /** The unix socket on which it listens. */
  readonly socket: string;
  stop(): Promise<void>;
}

/** A Redis of the tests' own: on a unix socket in a folder of its own, where it keeps nothing. Null: none is installed. */
export async function startRedis(): Promise<RedisProcess | null> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return null;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-redis-'));
  const socket = path.join(folder, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('sh', ['-c', WITH_STARTER, 'redis', ...options], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exit = once(server, 'exit');
  const ended = exit.then(() => Promise.reject(new Error('redis-server ended')));
  await Promise.race([listening(socket), ended]);
  return {
    socket,
    async stop() {
      ended.catch(() => undefined);
      server.stdin.end();
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(socket: string): Promise<void> {
  for (;;) {
    const tried = connect(socket);
    try {
      await once(tried, 'connect');
      return;
    } catch {
      // Not yet: the socket is not there, or nobody listens on it.
      await delay(POLL_MS);
    } finally {
      tried.destroy();
    }
  }
}
