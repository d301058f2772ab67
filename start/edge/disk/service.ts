import { once } from 'node:events';
import { createServer } from 'node:http';
import type { EdgeDisk } from '../../../protocol/health.ts';

export interface DiskService {
  /** `HOST:PORT`, on the loopback. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Serves one thing, as JSON: how full the disk is (`EdgeEnv.DISK`). What it says is in `GET /health` too, so anybody may read it. */
export async function startDiskService(look: () => Promise<EdgeDisk>): Promise<DiskService> {
  const server = createServer((_request, response) => {
    look().then(
      (disk) => response.setHeader('content-type', 'application/json').end(JSON.stringify(disk)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return {
    address: `127.0.0.1:${address.port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
