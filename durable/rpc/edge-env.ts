import type { DirectoryRpc } from './directory-rpc.ts';
import type { DiscordRpc } from './discord-rpc.ts';
import type { GateRpc } from './gate-rpc.ts';
import type { PoolRpc } from './pool-rpc.ts';
import type { SessionRpc } from './session-rpc.ts';

/** The objects by their bindings. */
export interface Objects {
  readonly SESSION: DurableObjectNamespace<SessionRpc>;
  readonly DIRECTORY: DurableObjectNamespace<DirectoryRpc>;
  readonly RUNNER_POOL: DurableObjectNamespace<PoolRpc>;
  readonly DISCORD: DurableObjectNamespace<DiscordRpc>;
  readonly GATE: DurableObjectNamespace<GateRpc>;
}

/** The Worker's bindings. Its settings are read from the same object (protocol/settings/edge-settings.ts). */
export interface EdgeEnv extends Objects {
  /** Present where workerd serves alone, without Cloudflare's own front (`start/edge/workerd/config.ts`). */
  readonly RUNTIME?: 'workerd';
  /**
   * Webhooks are posted through this network. It dials public addresses and what the operator allows, and nothing else
   * (`start/edge/workerd/networks.ts`). Absent on Cloudflare, where `fetch` reaches the public internet alone.
   */
  readonly WEBHOOKS?: Fetcher;
  /** Says how full the disk is that has the state (`start/edge/disk/watch.ts`). Absent on Cloudflare: there is no disk. */
  readonly DISK?: Fetcher;
}

/** The one desk: there is one application on Discord. */
const DISCORD_DESK = 'desk';

/** The one gate: what callers do is counted in one place. */
const SERVICE_GATE = 'service';

/** The one pool for now. */
const DEFAULT_POOL = 'default';

export const sessionStub = ({ SESSION }: Pick<Objects, 'SESSION'>, sessionId: string) =>
  SESSION.get(SESSION.idFromName(sessionId));

export const directoryStub = ({ DIRECTORY }: Pick<Objects, 'DIRECTORY'>, owner: string) =>
  DIRECTORY.get(DIRECTORY.idFromName(owner));

export const poolStub = ({ RUNNER_POOL }: Pick<Objects, 'RUNNER_POOL'>) =>
  RUNNER_POOL.get(RUNNER_POOL.idFromName(DEFAULT_POOL));

export const deskStub = ({ DISCORD }: Pick<Objects, 'DISCORD'>) => DISCORD.get(DISCORD.idFromName(DISCORD_DESK));

export const gateStub = ({ GATE }: Pick<Objects, 'GATE'>) => GATE.get(GATE.idFromName(SERVICE_GATE));
