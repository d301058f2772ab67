import { lookup } from 'node:dns/promises';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { boundsSettings } from '../../protocol/settings/bounds-settings.ts';
import { webhookAllow } from '../../protocol/settings/webhook-allow.ts';
import { ownAddresses } from '../../runner/egress/policy/resolve.ts';
import { localUrl } from '../lib/port.ts';
import { writeProcessFile } from '../lib/process-file.ts';
import { ASSETS_FOLDER } from '../lib/project.ts';
import { startDiskService } from './disk/service.ts';
import { diskSentence, EdgeDiskWatch } from './disk/watch.ts';
import { Keeper } from './workerd/keeper.ts';
import { operatorNetwork, webhookNetwork } from './workerd/networks.ts';
import { Supervisor } from './workerd/supervisor.ts';
import { readWranglerConfig, type WranglerConfig } from './workerd/wrangler-config.ts';
import { workerdConfig } from './workerd/config.ts';
import { startWorkerd, type Workerd } from './workerd/workerd.ts';

export interface EdgeOptions {
  /** The bundled Worker, a file. */
  worker: string;
  host: string;
  /** 0: any free one. */
  port: number;
  /** The folder for the objects' state. Nothing else may use it; beside it are files of the same name with an ending. */
  stateFolder: string;
  /** Texts of the Worker; they replace those of `wrangler.toml`. Values are not logged. */
  vars: Readonly<Record<string, string>>;
  /** Absent: the project's `wrangler.toml`. */
  config?: WranglerConfig;
  /** Where what workerd writes goes. Absent: to this process's stderr. */
  log?: EdgeLog;
  /** Gets a line when the edge has ended and serves again, and when the disk has become nearly full or is so no more. */
  say?: (line: string) => void;
}

interface EdgeLog {
  take(output: Readable): void;
  line(text: string): void;
}

export interface Edge {
  /** Without a trailing slash; reachable from this machine. */
  readonly url: string;
  /** As long as a process holds it, the edge outlives the process that started it (`keeper.ts`). To be asked for at each use. */
  readonly lifeline: () => Writable;
  /** Ends the edge; its state stays on the disk. */
  stop(): Promise<void>;
}

const STDERR: EdgeLog = {
  take: (output) => void output.pipe(process.stderr, { end: false }),
  line: (text) => void process.stderr.write(`${text}\n`),
};

/** The file that names the workerd of a state folder. */
export const processFileOf = (stateFolder: string): string => `${stateFolder}.pid`;

/**
 * Runs the Worker and its objects in workerd on this machine, without any other service. When workerd ends, it is started again, for
 * as long as it takes.
 *
 * @throws WorkerdFailure when it does not start the first time
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { host, stateFolder, log = STDERR, say = () => {} } = options;
  const config = options.config ?? readWranglerConfig();
  const texts = { ...config.vars, ...options.vars };
  const objectsFolder = path.join(stateFolder, 'do');
  await mkdir(objectsFolder, { recursive: true });
  const { address } = await lookup(host);
  const tell = (line: string) => (log.line(`edge: ${line}`), say(line));

  const disk = new EdgeDiskWatch(stateFolder, {
    floorMb: boundsSettings.shape.DISK_FLOOR_MB.parse(texts['DISK_FLOOR_MB']),
    log: (line) => log.line(`edge: ${line}`),
  });
  const diskService = await startDiskService(() => disk.look());
  const keeper = new Keeper((line) => log.line(`edge: ${line}`));
  const end = () => Promise.all([keeper.end(), diskService.stop()]);

  const certificates = process.env['NODE_EXTRA_CA_CERTS'];
  const allowed = webhookAllow.parse(texts['WEBHOOK_ALLOW']);
  const file = `${stateFolder}.capnp`;
  const start = async (port: number): Promise<Workerd> => {
    try {
      return await startWorkerd({
        file,
        address: `${address.includes(':') ? `[${address}]` : address}:${port}`,
        env: texts,
        take: (output) => log.take(output),
        onProcess: async (pid) => {
          writeProcessFile(processFileOf(stateFolder), pid);
          await keeper.keep(pid);
        },
      });
    } catch (error) {
      await keeper.keep(null);
      throw error;
    }
  };

  try {
    const text = workerdConfig({
      config,
      file,
      worker: options.worker,
      objectsFolder,
      assetsFolder: ASSETS_FOLDER,
      texts: Object.keys(texts),
      outbound: operatorNetwork(certificates),
      webhooks: webhookNetwork(allowed, ownAddresses(), certificates),
      diskAddress: diskService.address,
    });
    await writeFile(file, text, { mode: 0o600 });
    const first = await start(options.port);
    const { port } = first;
    const supervisor = new Supervisor(first, { start: () => start(port), onEnd: () => keeper.keep(null), say: tell });
    const stopped = new AbortController();
    const warning = await disk.warning();
    if (warning !== null) tell(warning);
    void disk.watch((state) => tell(diskSentence(state)), stopped.signal);
    return {
      url: localUrl(host, port),
      lifeline: () => keeper.lifeline,
      async stop() {
        stopped.abort();
        await supervisor.stop();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
