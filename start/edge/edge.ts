import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Log, LogLevel, Miniflare, Response, type MiniflareOptions } from 'miniflare';
import type { EdgeDisk } from '../../protocol/health.ts';
import { boundsSettings } from '../../protocol/settings/bounds-settings.ts';
import { webhookAllow } from '../../protocol/settings/webhook-allow.ts';
import { ownAddresses } from '../../runner/egress/policy/resolve.ts';
import { localUrl } from '../lib/port.ts';
import { EdgeDiskWatch } from './edge-disk.ts';
import { webhookNetwork } from './webhook-network.ts';
import { readWranglerConfig, type WranglerConfig } from './wrangler-config.ts';

export interface EdgeOptions {
  /** The bundled Worker, a file. */
  worker: string;
  host: string;
  /** 0: any free one. */
  port: number;
  /** The folder for the objects' state. Nothing else may use it. */
  stateFolder: string;
  /** Bindings of the Worker; they replace those of `wrangler.toml`. Values are not logged. */
  vars: Readonly<Record<string, string>>;
  /** Absent: the project's `wrangler.toml`. */
  config?: WranglerConfig;
  /** The disk has become nearly full, or is so no more. */
  onDisk?: (disk: EdgeDisk) => void;
}

export interface Edge {
  /** Without a trailing slash; reachable from this machine. */
  readonly url: string;
  /** Resolves when workerd runs; a workerd that ended is started again. @throws when that has failed */
  up(): Promise<void>;
  /** Ends the edge; its state stays on the disk. */
  stop(): Promise<void>;
}

/**
 * Runs the Worker and its objects in workerd on this machine, without any other service or a development server.
 *
 * While it runs, Miniflare ends this process at once on a signal. For an orderly end, run it in a process that gets no
 * signals (`edge-process.ts`).
 *
 * @throws when the Worker does not start
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const config = options.config ?? readWranglerConfig();
  const texts = { ...config.vars, ...options.vars };
  const disk = new EdgeDiskWatch(options.stateFolder, boundsSettings.shape.DISK_FLOOR_MB.parse(texts['DISK_FLOOR_MB']));
  await mkdir(options.stateFolder, { recursive: true });
  const miniflare = new Miniflare(await miniflareOptions(options, config, texts, disk));
  try {
    const { port } = await miniflare.ready;
    const stopped = new AbortController();
    if (options.onDisk !== undefined) void disk.watch(options.onDisk, stopped.signal);
    return {
      url: localUrl(options.host, Number(port)),
      up: async () => void (await miniflare.ready),
      stop: () => {
        stopped.abort();
        return miniflare.dispose();
      },
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

async function miniflareOptions(
  { host, port, worker, stateFolder }: EdgeOptions,
  config: WranglerConfig,
  texts: Readonly<Record<string, string>>,
  disk: EdgeDiskWatch,
): Promise<MiniflareOptions> {
  const classes = config.durable_objects.bindings.map(({ class_name }) => class_name);
  const allowed = webhookAllow.parse(texts['WEBHOOK_ALLOW']);
  return {
    host,
    port,
    resourcePersistencePath: stateFolder,
    log: new Log(LogLevel.WARN, { prefix: 'edge' }),
    handleStructuredLogs: ({ level, message }) => process.stderr.write(`${level}: ${message}\n`),
    logRequests: false,
    telemetry: { enabled: false },
    enableDevRegistry: false,
    // Otherwise Miniflare asks the internet for this machine's location.
    cf: false,
    workers: [
      {
        config: {
          name: config.name,
          compatibilityDate: config.compatibility_date,
          compatibilityFlags: config.compatibility_flags,
          manifest: {
            mainModule: path.basename(worker),
            modulesRoot: path.dirname(worker),
            modules: { [path.basename(worker)]: { type: 'esm', contents: await readFile(worker, 'utf8') } },
          },
          env: {
            ...Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { type: 'text', value }])),
            // Not Miniflare's own `fetch`: that also reaches private addresses.
            WEBHOOKS: webhookNetwork(allowed, ownAddresses(), process.env['NODE_EXTRA_CA_CERTS']),
            DISK: { type: 'fetcher', handler: async () => Response.json(await disk.look()) },
            ...Object.fromEntries(
              config.durable_objects.bindings.map(({ name, class_name }) => [
                name,
                { type: 'durable-object', worker: config.name, exportName: class_name },
              ]),
            ),
          },
          exports: Object.fromEntries(classes.map((name) => [name, { type: 'durable-object', storage: 'sqlite' }])),
        },
      },
    ],
  };
}
