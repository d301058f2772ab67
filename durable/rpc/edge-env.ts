import type { DiscordDesk } from '../discord/desk.ts';
import type { Directory } from '../directory/directory.ts';
import type { RunnerPool } from '../pool/pool.ts';
import type { Session } from '../session/session.ts';

/** The Worker's bindings. Its settings are read from the same object (protocol/settings/edge-settings.ts). */
export interface EdgeEnv {
  readonly SESSION: DurableObjectNamespace<Session>;
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  readonly RUNNER_POOL: DurableObjectNamespace<RunnerPool>;
  readonly DISCORD: DurableObjectNamespace<DiscordDesk>;
  /**
   * Where webhooks are posted through: a network that dials public addresses and what the operator allows, and nothing else
   * (`start/edge/webhook-network.ts`). Absent on Cloudflare, from where `fetch` reaches the public internet alone.
   */
  readonly WEBHOOKS?: Fetcher;
}

/** The one desk that there is: one application on Discord. */
export const DISCORD_DESK = 'desk';

/** The one pool that there is for now. */
export const DEFAULT_POOL = 'default';
