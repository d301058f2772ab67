import type { DiscordDesk } from '../durable/discord/desk.ts';
import type { Directory } from '../durable/directory/directory.ts';
import type { RunnerPool } from '../durable/pool/pool.ts';
import type { Session } from '../durable/session/session.ts';
import type { EdgeSettings } from '../protocol/settings/edge-settings.ts';

/** What a handler can reach: the objects by their bindings, the settings, and who is calling. */
export interface AppEnv {
  Bindings: {
    readonly SESSION: DurableObjectNamespace<Session>;
    readonly DIRECTORY: DurableObjectNamespace<Directory>;
    readonly RUNNER_POOL: DurableObjectNamespace<RunnerPool>;
    readonly DISCORD: DurableObjectNamespace<DiscordDesk>;
  };
  Variables: {
    settings: EdgeSettings;
    /** `sub` of the caller's token. */
    owner: string;
  };
}
