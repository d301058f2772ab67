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
import type { InteractionView } from '../../protocol/api/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { sessionChoices } from './core/choices.ts';
import { focusedOption, readCommand } from './core/commands.ts';
import type { DeskSession, DiscordRpc, NumberedDeskUpdate } from '../rpc/discord-rpc.ts';
import { cutLine, plain } from './core/text/text.ts';
import { choices, later, whisper } from './core/wire/responses.ts';
import { CommandWork } from './command-work.ts';
import { DeskCommands, madeId, type DeskCommand } from './commands.ts';
import { DeskNewsroom } from './updates.ts';
import { DeskPresses } from './presses.ts';
import { DeskQuestions } from './questions.ts';
import { DeskTable } from './desk-table.ts';
import { inTime } from './in-time.ts';
import { Outbox } from './outbox/outbox.ts';
import { OutboxTable, type Place } from './outbox/outbox-table.ts';
import { DiscordRest } from './outbox/rest.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';

/** How long a code to link an account is good, milliseconds. */
const CODE_MS = 10 * 60_000;
/** How long Discord takes answers to an interaction, milliseconds: 15 minutes, and a little less. */
const TOKEN_MS = 14 * 60_000;
/** Discord waits 3 seconds; without the sessions by then there is nothing to choose from. Milliseconds. */
const PATIENCE_MS = 2000;
/** Of what a session does now, characters. */
const MAX_PROGRESS = 300;
/** Between two times at which what is of no use any more is forgotten, milliseconds. */
const PRUNE_MS = 3_600_000;

/**
 * Everything that is between Discord and this service: who is who there, which session is shown where, what waits for somebody, and what is
 * yet to be said. One object for all.
 */
export class DiscordDesk extends DurableObject<EdgeEnv> implements DiscordRpc {
  readonly #settings: DiscordReady<'notify'> | null;
  readonly #table: DeskTable;
  readonly #outbox: Outbox;
  readonly #news: DeskNewsroom;
  readonly #questions: DeskQuestions;
  readonly #commands: DeskCommands;
  readonly #presses: DeskPresses;
  readonly #work: CommandWork;
  #alarmAt: number | null = null;
  #prunedAt = 0;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    const settings = edgeSettings.parse(env);
    this.#settings = isDiscordReady(settings, 'notify') ? settings : null;
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
    this.#news = new DeskNewsroom(this.#table, this.#outbox);
    const limits = {
      timeout: settings.DISCORD_QUESTION_TIMEOUT * 1000,
      longest: settings.INTERACTION_TIMEOUT_MAX * 1000,
      reminders: settings.DISCORD_MAX_RETRIES,
    };
    this.#questions = new DeskQuestions(this.#table, this.#outbox, this.#news, limits);
    this.#commands = new DeskCommands(env, this.#table, this.#outbox, limits);
    this.#presses = new DeskPresses({
      ctx,
      env,
      table: this.#table,
      questions: this.#questions,
      outbox: this.#outbox,
    });
    this.#work = new CommandWork(ctx, this.#commands, this.#outbox, retry);
  }

  /** Somebody does something on Discord: the answer to it, within 3 seconds. Each interaction counts once. */
  async interact(interaction: DiscordPersonal): Promise<APIInteractionResponse> {
    const user = interaction.member?.user ?? interaction.user;
    if (user === undefined) return whisper('Discord did not say who you are.');
    // What is typed is asked anew with each letter, and changes nothing.
    if (interaction.type === INTERACTION.autocomplete) return this.#complete(interaction, user.id);
    if (!this.#table.isFirst(interaction.id, Date.now())) return whisper('That was done already.');
    if (!this.#isAllowed(user.id, interaction.member?.roles ?? [])) {
      return whisper(
        'You may not use this bot. Its operator lets people in: DISCORD_ALLOWED_USERS, DISCORD_ALLOWED_ROLES.',
      );
    }
    try {
      return await this.#answer(interaction, user.id);
    } finally {
      this.#goOn();
    }
  }

  /** A session tells what people are to see of it. What was heard before comes again when the answer to that was lost. */
  sessionUpdated(session: DeskSession, updates: readonly NumberedDeskUpdate[]): void {
    if (this.#settings === null) return;
    const heard = this.#table.heard(session.session_id);
    const isMeant = this.#news.concerns(session);
    if (!isMeant && heard === 0) return;
    this.ctx.storage.transactionSync(() => {
      for (const { n, update: one } of updates) {
        // What was asked before its owner unlinked is not to look open for ever.
        if (n > heard && (isMeant || one.kind === 'closed')) this.#news.tell(session, one, Date.now());
      }
      const last = updates.at(-1)?.n ?? heard;
      if (last > heard) this.#table.hear(session.session_id, last);
    });
    this.#goOn();
  }

  /** A session is deleted: who was shown it, and who was asked by it, is told. */
  sessionDeleted(sessionId: string): void {
    if (this.#settings === null) return;
    this.#news.deleted(sessionId, Date.now());
    this.#goOn();
  }

  /** What a session that has a thread does now. */
  progress(sessionId: string, text: string): void {
    if (this.#table.thread(sessionId) === null) return;
    this.#outbox.progress(sessionId, `⚙️ ${plain(cutLine(text, MAX_PROGRESS, '…'))}`);
    this.#goOn();
  }

  /** Says something in the channel. The same key again, within a day, says nothing more; null: it is taken. */
  notify(owner: string, { key, input }: { key: string | undefined; input: DiscordNotifyRequest }): Refusal | null {
    const body = JSON.stringify(input);
    const known = key === undefined ? 'first' : this.#table.say(owner, key, body, Date.now());
    if (known !== 'first') {
      const detail = 'It came with another message before. Send a new key for a new message.';
      return known.said === body ? null : { refused: 'idempotency_key_reused', detail };
    }
    const { message, priority = 'normal', summary } = input;
    const notification = { message, priority, summary: summary ?? null };
    this.#news.notify(notification, 'channel', this.#table.usersOf(owner));
    this.#goOn();
    return null;
  }

  /** Asks something in the channel. The same id or key again asks nothing more. */
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

  /** A code with which whoever has it makes their Discord account `owner`'s. Once, for ten minutes. */
  mintCode(owner: string): { code: string; expires_at: string } {
    // 80 bits, in letters that are not taken for others.
    const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
    const code = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => letters[byte % 32]).join('');
    const expires = Date.now() + CODE_MS;
    this.#table.addCode(code, owner, expires);
    return { code, expires_at: new Date(expires).toISOString() };
  }

  /** Discord accounts that are that owner's. */
  linked(owner: string): string[] {
    return this.#table.usersOf(owner);
  }

  unlink(owner: string): void {
    this.#table.unlink(owner);
  }

  override alarm(): void {
    this.#alarmAt = null;
    if (this.#settings === null) return;
    this.#questions.clock(Date.now());
    this.#work.tell();
    this.#goOn();
  }

  /** Something has changed. */
  #goOn(): void {
    // What was stored when there were settings goes nowhere without them.
    if (this.#settings === null) return;
    const now = Date.now();
    if (now >= this.#prunedAt + PRUNE_MS) {
      this.#prunedAt = now;
      this.#table.prune(now);
      this.#outbox.prune();
    }
    this.#outbox.tell();
    this.#setAlarm();
  }

  /** By the operator's lists; where there are none, whoever has linked an account, which all that matters asks for. */
  #isAllowed(user: string, roles: readonly string[]): boolean {
    const { DISCORD_ALLOWED_USERS: users = [], DISCORD_ALLOWED_ROLES: allowed = [] } = this.#settings ?? {};
    return (users.length === 0 && allowed.length === 0) || this.#isListed(user, roles);
  }

  #isListed(user: string, roles: readonly string[]): boolean {
    const { DISCORD_ALLOWED_USERS: users = [], DISCORD_ALLOWED_ROLES: allowed = [] } = this.#settings ?? {};
    return users.includes(user) || roles.some((role) => allowed.includes(role));
  }

  async #answer(
    interaction: DiscordCommand | DiscordComponent | DiscordModalSubmit,
    user: string,
  ): Promise<APIInteractionResponse> {
    const expires = Date.now() + TOKEN_MS;
    if (interaction.type !== INTERACTION.command) {
      const isListed = this.#isListed(user, interaction.member?.roles ?? []);
      return this.#presses.press(interaction, { user, isListed, expires });
    }
    const call = readCommand(interaction);
    if (call === null)
      return whisper(
        'This bot does not know that command. Were its commands registered anew? (`npm run discord:register`)',
      );
    if (call.name === 'link') return this.#link(user, call.options.code);
    const owner = this.#table.ownerOf(user);
    if (owner === null) return whisper(NOT_LINKED);
    const channel = interaction.channel_id ?? interaction.channel?.id ?? null;
    const command: DeskCommand = { call, user, owner, channel, made: madeId() };
    const isForAll = call.name === 'start' || call.name === 'say';
    const to = isForAll ? this.#placeOf(call.name, channel) : null;
    this.#work.add(interaction.id, { command, token: interaction.token, expires, to });
    return later(isForAll ? 'all' : 'asker');
  }

  /** Where the answer is said once Discord takes none to the command any more; null: nowhere, for others would see it than were to. */
  #placeOf(name: 'start' | 'say', channel: string | null): Place | null {
    const session = channel === null ? null : this.#table.sessionIn(channel);
    if (session !== null) return { thread_of: session };
    // What is begun has its thread in the channel, wherever it was said.
    return name === 'start' || channel === this.#settings?.DISCORD_CHANNEL_ID ? 'channel' : null;
  }

  #link(user: string, code: string): APIInteractionResponse {
    const owner = this.#table.takeCode(code.trim().toUpperCase(), Date.now());
    if (owner === null) {
      return whisper('That code is not good, or too old. Get another one: `POST /api/v1/discord/link`.');
    }
    this.#table.link(user, owner);
    return whisper(`You are ${JSON.stringify(owner)} here from now on. \`/claude start\` begins a session.`);
  }

  async #complete(interaction: DiscordAutocomplete, user: string): Promise<APIInteractionResponse> {
    const focused = focusedOption(interaction);
    const owner = this.#table.ownerOf(user);
    if (focused?.option !== 'session' || owner === null || !this.#isAllowed(user, interaction.member?.roles ?? []))
      return choices([]);
    const directory = this.env.DIRECTORY.get(this.env.DIRECTORY.idFromName(owner));
    const listed = directory
      .list({ status: undefined, limit: 100, offset: 0, cursor: undefined })
      .catch((error: unknown) => {
        console.error(`discord: sessions could not be listed: ${String(error)}`);
        return 'late' as const;
      });
    const page = await inTime(listed, PATIENCE_MS);
    if (page === 'late') return choices([]);
    const sessions = page.data.map(({ session_id, status, title }) => ({
      session_id,
      status,
      title: title ?? this.#table.thread(session_id)?.name ?? session_id,
    }));
    return choices(sessionChoices(sessions, focused.typed));
  }

  #setAlarm(): void {
    const times = [this.#outbox.nextTry(), this.#questions.nextDue(), this.#work.nextTry()].filter(
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
