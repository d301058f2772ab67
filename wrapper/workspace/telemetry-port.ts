import { createConnection, createServer } from 'node:net';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';

/** Connections to the collector at once. `claude` has one for each kind of telemetry. */
const MOST = 16;

/** Where `claude` sends its telemetry. */
export interface TelemetryPort {
  /** Variables that tell `claude` so; none: nothing listens, and `claude` runs without. Never rejects. */
  readonly env: Promise<Record<string, string>>;
  close(): void;
}

/** Listens on loopback for `claude`'s telemetry, and copies it to the runner's socket: the container has no other way out. */
export function openTelemetryPort({ socket }: NonNullable<WrapperLaunch['telemetry']>): TelemetryPort {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const runner = createConnection({ path: socket, allowHalfOpen: true });
    client.pipe(runner);
    runner.pipe(client);
    client.on('error', () => runner.destroy());
    runner.on('error', () => client.destroy());
  });
  server.maxConnections = MOST;
  const env = new Promise<Record<string, string>>((resolve) => {
    server.once('error', (error) => {
      console.error(`cc-docker wrapper: no telemetry of claude: ${error.message}`);
      resolve({});
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    });
  });
  return { env, close: () => void server.close() };
}
