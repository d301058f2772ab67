import { env, runInDurableObject } from 'cloudflare:test';
import { vi } from 'vitest';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { DiscordDesk } from '../../../../durable/discord/desk.ts';
import { encodeCustomId, type ComponentAct } from '../../../../durable/discord/core/custom-id.ts';
import type { DiscordPersonal } from '../../../../protocol/api/discord.ts';
import type { InteractionView } from '../../../../protocol/api/session/interaction.ts';
import { FakeDiscord } from './discord.ts';

export const OWNER = 'alice';
/** Whose account is linked. */
export const ADA = '51';

/** What the desk asks of other objects, and how long they take; unless a test says otherwise they never answer. */
export interface Others {
  readonly session?: object;
  readonly directory?: object;
}

const never = () => new Promise<never>(() => {});
const HANGS = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : never) });

/** A desk on real storage, whose Discord and whose sessions are the test's. */
export class DeskScene {
  readonly discord = new FakeDiscord();
  readonly desk: DiscordDesk;
  readonly storage: DurableObjectStorage;
  readonly state: DurableObjectState;
  #interactions = 100;

  constructor(state: DurableObjectState, { session = HANGS, directory = HANGS }: Others) {
    const { channel } = this.discord;
    // Made now, as ids of messages are.
    this.discord.now = Date.now();
    this.discord.takesTokens = true;
    const settings = {
      DISCORD_APPLICATION_ID: '7',
      DISCORD_PUBLIC_KEY: '0'.repeat(64),
      DISCORD_BOT_TOKEN: 'secret',
      DISCORD_CHANNEL_ID: channel,
      DISCORD_API_BASE_URL: 'http://127.0.0.1:9/api',
      SESSION: { idFromName: (name: string) => name, get: () => session },
      DIRECTORY: { idFromName: (name: string) => name, get: () => directory },
    };
    const other: EdgeEnv = Object.assign(Object.create(null), env, settings);
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => this.discord.fetch(url, init));
    this.desk = new DiscordDesk(state, other);
    this.state = state;
    this.storage = state.storage;
  }

  async link(user: string, owner: string): Promise<void> {
    const { code } = this.desk.mintCode(owner);
    await this.command('link', { code }, user);
  }

  /** @param channel where; null: Discord does not say */
  command(name: string, options: Record<string, string> = {}, user = ADA, channel: string | null = null) {
    const where = channel === null ? {} : { channel_id: channel };
    return this.desk.interact(this.#personal(user, { type: 2, data: commandData(name, options), ...where }));
  }

  type(name: string, typed: string, user = ADA) {
    const [subcommand] = commandData(name, { session: typed }).options;
    const options = (subcommand?.options ?? []).map((option) => ({ ...option, focused: true }));
    return this.desk.interact(
      this.#personal(user, { type: 4, data: { name: 'claude', options: [{ type: 1, name, options }] } }),
    );
  }

  /** Presses something of the message that asks. */
  press(view: InteractionView, act: ComponentAct, values: string[] = [], user = ADA) {
    const { session_id, interaction_id } = view;
    const custom_id = encodeCustomId({ session_id, interaction_id, ...act });
    const message = { id: this.messageOf(interaction_id), channel_id: this.discord.channel };
    return this.desk.interact(
      this.#personal(user, { type: 3, message, data: { custom_id, component_type: 2, values } }),
    );
  }

  submit(view: InteractionView, question: number, text: string, user = ADA) {
    const { session_id, interaction_id } = view;
    const custom_id = encodeCustomId({ session_id, interaction_id, kind: 'text', question });
    const components = [{ component: { custom_id: 'text', value: text } }];
    return this.desk.interact(this.#personal(user, { type: 5, data: { custom_id, components } }));
  }

  messageOf(interactionId: string): string {
    const rows = this.storage.sql.exec<{ message_id: string | null }>(
      'SELECT message_id FROM asks WHERE interaction_id = ?',
      interactionId,
    );
    const { message_id } = rows.one();
    if (message_id === null) throw new Error('nobody is asked yet');
    return message_id;
  }

  /** A session tells. */
  hear(view: InteractionView, kind: 'asked' | 'closed', n: number): void {
    this.desk.sessionUpdated({ session_id: view.session_id, owner: OWNER }, [{ n, update: { kind, view } }]);
  }

  get shown() {
    return this.discord.world.shown(this.discord.channel) ?? [];
  }

  #personal(user: string, rest: object): DiscordPersonal {
    const id = String((this.#interactions += 1));
    const member = { user: { id: user, username: 'somebody' }, roles: [] };
    return Object.assign(Object.create(null), { id, application_id: '7', token: `token${id}`, member, ...rest });
  }
}

const commandData = (name: string, options: Record<string, string>) => ({
  name: 'claude',
  options: [
    { type: 1, name, options: Object.entries(options).map(([option, value]) => ({ type: 3, name: option, value })) },
  ],
});

/** With an object of its own. */
export async function withDesk(others: Others, work: (scene: DeskScene) => Promise<void>): Promise<void> {
  await runInDurableObject(env.DISCORD.get(env.DISCORD.newUniqueId()), async (_, state) => {
    const scene = new DeskScene(state, others);
    await scene.link(ADA, OWNER);
    await work(scene);
  });
}
