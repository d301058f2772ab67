import { DiscordStandIn } from '../discord/stand-in.ts';
import { byWord, bash, says, turnsScene } from '../turns.ts';
import { Client } from './client.ts';
import { DenoEdge } from './deno-edge.ts';
import { SECRET, type Service } from './service.ts';

/** A service on this machine, with an edge on Deno before it, and a stand-in for Discord. */
export interface DenoScene extends AsyncDisposable {
  readonly service: Service;
  readonly deno: DenoEdge;
  readonly discord: DiscordStandIn;
  readonly channel: string;
  /** Somebody who uses the edge on Deno. */
  client(sub: string): Promise<Client>;
}

/** Open streams that one session of the scene may have. */
export const MOST_VIEWERS = 4;

export async function denoScene(): Promise<DenoScene> {
  const discord = await DiscordStandIn.start();
  const channel = discord.world.addChannel('agents');
  const vars = {
    ...discord.settings(channel),
    MAX_VIEWERS_PER_SESSION: String(MOST_VIEWERS),
    PLACE_TIMEOUT: '1',
    FAILED_TOKENS_PER_ADDRESS: '0',
  };
  const script = byWord({
    'work on': () => bash('tail -f /dev/null'),
    'good morning': () => says('good morning to you'),
    'write it down': () => bash('echo written > note.txt'),
    tool_result: () => says('done'),
  });
  const turns = await turnsScene(script, {
    vars: { REMOTE_EDGES: 'true', ACCESS_LOG: 'all', ...vars },
    keepsEdgeLog: true,
  });
  const { service } = turns;
  const deno = await DenoEdge.start({ objectsUrl: service.url, secret: SECRET, vars });
  return {
    service,
    deno,
    discord,
    channel,
    client: async (sub) => new Client(deno.url, await service.token(sub)),
    async [Symbol.asyncDispose]() {
      await deno.stop();
      await turns[Symbol.asyncDispose]();
      await discord.stop();
    },
  };
}
