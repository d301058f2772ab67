import type { Objects } from '../durable/rpc/edge-env.ts';
import type { EdgeSettings } from '../protocol/settings/edge-settings.ts';

/** What a handler can reach: the objects by their bindings, the settings, and the caller. */
export interface AppEnv {
  Bindings: Objects;
  Variables: {
    settings: EdgeSettings;
    /** `sub` of the caller's token. */
    owner: string;
    /** When the caller's token expires, epoch milliseconds. */
    expires: number;
  };
}
