import { DurableObject } from 'cloudflare:workers';
import type { APIInteractionResponse } from 'discord-api-types/v10';
import {
  INTERACTION,
  type DiscordAskRequest,
  type DiscordAutocomplete,
  type DiscordCommand,
  type DiscordComponent,
  type DiscordModalSubmit,
  type DiscordNotifyRequest,
  type DiscordPersonal,
} from '../../protocol/api/discord.ts';
import { isDiscordReady, type DiscordReady } from '../../protocol/settings/discord-settings.ts';
import { edgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { InteractionView } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { DeskSession, DiscordRpc, NumberedDeskUpdate } from '../rpc/discord-rpc.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { migrate, stampVersion } from '../shared/schema.ts';
import { isAllowed, isListed } from './access.ts';
import { AccountLinks } from './account-links.ts';
import { completeSession } from './autocomplete.ts';
import { CommandQueue } from './command-queue.ts';
import { DeskCommands, newId, type DeskCommand } from './commands.ts';
import { focusedOption, readCommand } from './core/commands.ts';
import { cutLine, plain } from './core/text/text.ts';
import { autocompleteChoices, deferred, ephemeral } from './core/wire/responses.ts';
import { Outbox } from './outbox/outbox.ts';
import { DiscordRest } from './outbox/rest.ts';
import { DeskPresses } from './presses.ts';
import { DeskQuestions } from './questions.ts';
import { DeskTable } from './tables/desk-table.ts';
import { DESK_SCHEMA } from './tables/migrations.ts';
import { OutboxTable, type Place } from './tables/outbox-table.ts';
import { DeskUpdates } from './updates.ts';

/** How long Discord takes answers to an interaction, milliseconds: 15 minutes, and a little less. */
const TOKEN_MS = 14 * 60_000;
/** How often data of no further use is removed, milliseconds. */
const PRUNE_MS = 3_600_000;
/** The longest progress that is shown, characters. */
const MAX_PROGRESS = 300;

/**
 * Everything between Discord and this service: which account belongs to whom, which session is shown in which thread, which questions
 * are open, and what still has to be sent. There is one object for all.
 */
export class DiscordDesk extends DurableObject<EdgeEnv> implements DiscordRpc {
  readonly #settings: DiscordReady<'notify'> | null;
  readonly #table: DeskTable;
  readonly #outbox: Outbox;
  readonly #updates: DeskUpdates;
  readonly #questions: DeskQuestions;
  readonly #presses: DeskPresses;
  readonly #commands: CommandQueue;
  readonly #links: AccountLinks;
  #alarmAt: number | null = null;
  #prunedAt = 0;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    const settings = edgeSettings.parse(env);
    this.#settings = isDiscordReady(settings, 'notify') ? settings : null;
    const isNew = migrate(ctx.storage, DESK_SCHEMA) === 'none';
    this.#table = new DeskTable(ctx.storage.sql);
    const retry = () => this.#setAlarm();
    this.#outbox = new Outbox({
      ctx,
      rest: new DiscordRest({
        fetch: (url, init) => fetch(url, init),
        baseUrl: settings.DISCORD_API_BASE_URL,
        botToken: settings.DISCORD_BOT_TOKEN ?? '',
        applicationId: settings.DISCORD_APPLICATION_ID ?? null,
      }),
      table: new OutboxTable(ctx.storage.sql),
      desk: this.#table,
      channel: settings.DISCORD_CHANNEL_ID ?? '',
      application: settings.DISCORD_APPLICATION_ID ?? null,
      retry,
      now: Date.now,
    });
    this.#updates = new DeskUpdates(this.#table, this.#outbox);
    const limits = {
      timeout: settings.DISCORD_QUESTION_TIMEOUT * 1000,
      longest: settings.INTERACTION_TIMEOUT_MAX * 1000,
      reminders: settings.DISCORD_MAX_RETRIES,
    };
    this.#questions = new DeskQuestions(this.#table, this.#outbox, this.#updates, limits);
    this.#presses = new DeskPresses({
      ctx,
      env,
      table: this.#table,
      questions: this.#questions,
      outbox: this.#outbox,
    });
    const commands = new DeskCommands(env, this.#table, this.#outbox, limits);
    this.#commands = new CommandQueue(ctx, commands, this.#outbox, retry);
    this.#links = new AccountLinks(this.#table);
    if (isNew) stampVersion(ctx.storage.sql, DESK_SCHEMA);
  }

  async interact(interaction: DiscordPersonal): Promise<APIInteractionResponse> {
    const user = interaction.member?.user ?? interaction.user;
    if (user === undefined) return ephemeral('Discord did not say who you are.');
    // Autocomplete comes with each letter that is typed, and changes nothing.
    if (interaction.type === INTERACTION.autocomplete) return this.#complete(interaction, user.id);
    if (!this.#table.isFirst(interaction.id, Date.now())) return ephemeral('That was done already.');
    if (!isAllowed(this.#settings, user.id, interaction.member?.roles ?? [])) {
      return ephemeral(
        'You may not use this bot. Its operator lets people in: DISCORD_ALLOWED_USERS, DISCORD_ALLOWED_ROLES.',
      );
    }
    try {
      return await this.#answer(interaction, user.id);
    } finally {
      this.#goOn();
    }
  }

  sessionUpdated(session: DeskSession, updates: readonly NumberedDeskUpdate[]): void {
    if (this.#settings === null) return;
    const known = this.#table.lastUpdate(session.session_id);
    const isConcerned = this.#updates.concerns(session);
    if (!isConcerned && known === 0) return;
    this.ctx.storage.transactionSync(() => {
      for (const { n, update } of updates) {
        // If the owner has unlinked since, the messages of closed questions are still updated: they must not look open forever.
        if (n > known && (isConcerned || update.kind === 'closed')) this.#updates.apply(session, update, Date.now());
      }
      const last = updates.at(-1)?.n ?? known;
      if (last > known) this.#table.setLastUpdate(session.session_id, last);
    });
    this.#goOn();
  }

  sessionDeleted(sessionId: string): void {
    if (this.#settings === null) return;
    this.#updates.sessionDeleted(sessionId, Date.now());
    this.#goOn();
  }

  progress(sessionId: string, text: string): void {
    if (this.#table.thread(sessionId) === null) return;
    this.#outbox.progress(sessionId, `⚙️ ${plain(cutLine(text, MAX_PROGRESS, '…'))}`);
    this.#goOn();
  }

  notify(owner: string, { key, input }: { key: string | undefined; input: DiscordNotifyRequest }): Refusal | null {
    const body = JSON.stringify(input);
    const known = key === undefined ? 'first' : this.#table.say(owner, key, body, Date.now());
    if (known !== 'first') {
      const detail = 'It came with another message before. Send a new key for a new message.';
      return known.said === body ? null : { refused: 'idempotency_key_reused', detail };
    }
    const { message, priority = 'normal', summary } = input;
    const notification = { message, priority, summary: summary ?? null };
    this.#updates.notify(notification, 'channel', this.#table.usersOf(owner));
    this.#goOn();
    return null;
  }

  ask(
    owner: string,
    question: { readonly id: string; readonly key: string | undefined; readonly input: DiscordAskRequest },
  ): InteractionView | Refusal {
    const asked = this.#questions.ask(owner, question, Date.now());
    this.#goOn();
    return asked;
  }

  asked(owner: string, id: string): InteractionView | Refusal {
    return this.#questions.show(owner, id);
  }

  mintCode(owner: string): { code: string; expires_at: string } {
    return this.#links.mintCode(owner);
  }

  linked(owner: string): string[] {
    return this.#table.usersOf(owner);
  }

  unlink(owner: string): void {
    this.#table.unlink(owner);
  }

  override alarm(): void {
    this.#alarmAt = null;
    if (this.#settings === null) return;
    this.#questions.applyDeadlines(Date.now());
    this.#commands.send();
    this.#goOn();
  }

  /** Sends what is due after a change, and sets the alarm. */
  #goOn(): void {
    // Without settings nothing is sent, even if jobs are stored from before.
    if (this.#settings === null) return;
    const now = Date.now();
    if (now >= this.#prunedAt + PRUNE_MS) {
      this.#prunedAt = now;
      this.#table.prune(now);
      this.#outbox.prune();
    }
    this.#outbox.send();
    this.#setAlarm();
  }

  async #answer(
    interaction: DiscordCommand | DiscordComponent | DiscordModalSubmit,
    user: string,
  ): Promise<APIInteractionResponse> {
    const expires = Date.now() + TOKEN_MS;
    if (interaction.type !== INTERACTION.command) {
      const listed = isListed(this.#settings, user, interaction.member?.roles ?? []);
      return this.#presses.press(interaction, { user, isListed: listed, expires });
    }
    const call = readCommand(interaction);
    if (call === null)
      return ephemeral(
        'This bot does not know that command. Were its commands registered anew? (`npm run discord:register`)',
      );
    if (call.name === 'link') return this.#links.link(user, call.options.code);
    const owner = this.#table.ownerOf(user);
    if (owner === null) return ephemeral(NOT_LINKED);
    const channel = interaction.channel_id ?? interaction.channel?.id ?? null;
    const command: DeskCommand = { call, user, owner, channel, made: newId() };
    const isForAll = call.name === 'start' || call.name === 'say';
    const to = isForAll ? this.#placeOf(call.name, channel) : null;
    this.#commands.add(interaction.id, { command, token: interaction.token, expires, to });
    return deferred(isForAll ? 'all' : 'asker');
  }

  /** Where the answer is posted once the command's token has expired; null: nowhere, because others than before would see it. */
  #placeOf(name: 'start' | 'say', channel: string | null): Place | null {
    const session = channel === null ? null : this.#table.sessionIn(channel);
    if (session !== null) return { thread_of: session };
    // A new session has its thread in the configured channel, wherever the command was given.
    return name === 'start' || channel === this.#settings?.DISCORD_CHANNEL_ID ? 'channel' : null;
  }

  async #complete(interaction: DiscordAutocomplete, user: string): Promise<APIInteractionResponse> {
    const focused = focusedOption(interaction);
    const owner = this.#table.ownerOf(user);
    const mayComplete = isAllowed(this.#settings, user, interaction.member?.roles ?? []);
    if (focused?.option !== 'session' || owner === null || !mayComplete) return autocompleteChoices([]);
    return completeSession(this.env, this.#table, owner, focused.typed);
  }

  #setAlarm(): void {
    const times = [this.#outbox.nextTry(), this.#questions.nextDeadline(), this.#commands.nextTry()].filter(
      (time) => time !== null,
    );
    if (times.length === 0) return;
    const next = Math.min(...times);
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(next));
  }
}

const NOT_LINKED =
  'Your Discord account is nobody’s here yet. Get a code with `POST /api/v1/discord/link` and your token, then say `/claude link`.';
