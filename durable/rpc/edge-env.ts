import { DEFAULT_POOL } from '../../protocol/settings/pools-setting.ts';
import type { DirectoryRpc } from './directory/directory-rpc.ts';
import type { DiscordRpc } from './discord-rpc.ts';
import type { GateRpc } from './gate-rpc.ts';
import type { PoolRpc } from './pool-rpc.ts';
import type { SessionRpc } from './session/session-rpc.ts';

/** The objects by their bindings. */
interface Objects {
  readonly SESSION: DurableObjectNamespace<SessionRpc>;
  readonly DIRECTORY: DurableObjectNamespace<DirectoryRpc>;
  readonly RUNNER_POOL: DurableObjectNamespace<PoolRpc>;
  readonly DISCORD: DurableObjectNamespace<DiscordRpc>;
  readonly GATE: DurableObjectNamespace<GateRpc>;
}

/** Gives a file by its name: `https://assets/NAME`. */
interface AssetFiles {
  fetch(url: string): Promise<Response>;
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
  /** The files that are served as they are (`functions/web/assets.ts`). */
  readonly ASSETS: AssetFiles;
  /** Says how full the disk is that has the state (`start/edge/disk/watch.ts`). Absent on Cloudflare: there is no disk. */
  readonly DISK?: Fetcher;
}

/** The one desk: there is one application on Discord. */
const DISCORD_DESK = 'desk';

/** The one gate: what callers do is counted in one place. */
const SERVICE_GATE = 'service';

/** An environment with one binding. Its objects can be asked all that they do, or what handlers may call (`callable.ts`). */
type With<Name extends keyof Objects, Asked extends Rpc.DurableObjectBranded> = {
  readonly [N in Name]: DurableObjectNamespace<Asked>;
};

/**
 * An object's stub whose answers are released as soon as they are there. workerd holds the call that an answer was for until it is told
 * so, or until its collector finds the answer, and then says in the log that this was late. What an answer says stays: none has stubs
 * in it, or a stream.
 */
function releasing<Stub extends object>(stub: Stub): Stub {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      // What `fetch` answers is not held, and has a body that is still to be read.
      if (name === 'fetch') return member.bind(target);
      return async (...args: unknown[]) => released(await Reflect.apply(member, target, args));
    },
  });
}

/** The answer, which workerd is told is not needed any more. */
export function released(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  // The one symbol that workerd puts on an answer is `Symbol.dispose`.
  using _ = Object.getOwnPropertySymbols(answer).length > 0 ? (answer as Disposable) : null;
  return answer;
}

export const sessionStub = <T extends Rpc.DurableObjectBranded>({ SESSION }: With<'SESSION', T>, sessionId: string) =>
  releasing(SESSION.get(SESSION.idFromName(sessionId)));

export const directoryStub = <T extends Rpc.DurableObjectBranded>({ DIRECTORY }: With<'DIRECTORY', T>, owner: string) =>
  releasing(DIRECTORY.get(DIRECTORY.idFromName(owner)));

/** @param pool absent: the default one. It also knows which runner is in which pool. */
export const poolStub = <T extends Rpc.DurableObjectBranded>(
  { RUNNER_POOL }: With<'RUNNER_POOL', T>,
  pool: string = DEFAULT_POOL,
) => releasing(RUNNER_POOL.get(RUNNER_POOL.idFromName(pool)));

export const deskStub = <T extends Rpc.DurableObjectBranded>({ DISCORD }: With<'DISCORD', T>) =>
  releasing(DISCORD.get(DISCORD.idFromName(DISCORD_DESK)));

export const gateStub = <T extends Rpc.DurableObjectBranded>({ GATE }: With<'GATE', T>) =>
  releasing(GATE.get(GATE.idFromName(SERVICE_GATE)));
