import {
  type APIAttachment,
  type APIChannel,
  type APIMessage,
  type APIUser,
  ChannelType,
  ComponentType,
  MessageFlags,
  MessageType,
  ThreadAutoArchiveDuration,
} from 'discord-api-types/v10';
import { isEmpty, type MessageBody } from './rules.ts';

/** A refusal as Discord says it. */
export interface DiscordError {
  readonly status: number;
  readonly body: { readonly message: string; readonly code: number; readonly errors?: object };
}
export const refuse = (status: number, code: number, message: string, errors?: object): DiscordError => ({
  status,
  body: { message, code, ...(errors === undefined ? {} : { errors }) },
});
export const isError = (value: object): value is DiscordError => 'status' in value && 'body' in value;

const UNKNOWN_CHANNEL = refuse(404, 10003, 'Unknown Channel');
export const UNKNOWN_MESSAGE = refuse(404, 10008, 'Unknown Message');

export interface SentFile {
  /** Of `files[n]` the n, by which `attachments` names it; of one that a message has, its attachment's id. */
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** Whom a message called: what `allowed_mentions` let through of what its text mentions. */
interface Called {
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly everyone: boolean;
}

interface Kept {
  message: APIMessage;
  files: SentFile[];
  called: Called;
  allowed_mentions: MessageBody['allowed_mentions'] | null;
  /** Null: all see it; else the one who does. */
  seenBy: string | null;
  nonce: string | null;
}

/** A message as a person sees it. */
export interface Shown {
  readonly id: string;
  readonly author: string;
  readonly content: string;
  /** Rows of what can be pressed: a button by its label (in brackets when it is disabled), a menu by its options' labels. */
  readonly rows: readonly (readonly (string | readonly string[])[])[];
  readonly files: readonly Omit<SentFile, 'id'>[];
  readonly called: Called;
  /** The thread that hangs on it. */
  readonly thread: string | null;
  readonly edited: boolean;
  readonly isLoading: boolean;
  readonly seenBy: string | null;
}

/** What there is, as JSON can hold it. */
export type SavedWorld = readonly Channel[];

interface Channel {
  readonly id: string;
  name: string;
  readonly parent: string | null;
  archived: boolean;
  readonly messages: Kept[];
}

const EPOCH = 1_420_070_400_000n;
/** Discord knows a nonce for "the past few minutes", and says no more of it. */
const NONCE_MS = 3 * 60_000;

/** Channels, threads and messages, in the order in which they came. */
export class World {
  readonly guild: string;
  readonly #now: () => number;
  #channels = new Map<string, Channel>();
  #count = 0n;

  constructor(now: () => number) {
    this.#now = now;
    this.guild = this.snowflake();
  }

  snowflake(): string {
    this.#count += 1n;
    return String(((BigInt(this.#now()) - EPOCH) << 22n) | (this.#count & 0x3fffffn));
  }

  addChannel(name: string, parent: string | null = null, id = this.snowflake()): string {
    this.#channels.set(id, { id, name, parent, archived: false, messages: [] });
    return id;
  }

  save(): SavedWorld {
    return structuredClone([...this.#channels.values()]);
  }

  /** What was saved is there again, with the ids that it had. */
  restore(saved: SavedWorld): void {
    for (const channel of structuredClone(saved)) this.#channels.set(channel.id, channel);
  }

  /** With the threads in it. */
  deleteChannel(id: string): boolean {
    for (const { id: thread, parent } of this.#channels.values()) if (parent === id) this.#channels.delete(thread);
    return this.#channels.delete(id);
  }

  archive(id: string): void {
    const channel = this.#channels.get(id);
    if (channel !== undefined) channel.archived = true;
  }

  openAgain(id: string): APIChannel | DiscordError {
    const channel = this.#channels.get(id);
    if (channel === undefined) return UNKNOWN_CHANNEL;
    if (channel.parent === null) return refuse(403, 50013, 'Missing Permissions');
    channel.archived = false;
    return this.#described(channel);
  }

  channel(id: string): APIChannel | null {
    const channel = this.#channels.get(id);
    return channel === undefined ? null : this.#described(channel);
  }

  /** Whether `channel` is a thread, and of which channel. */
  parentOf(id: string): string | null {
    return this.#channels.get(id)?.parent ?? null;
  }

  threads(): { readonly id: string; readonly name: string; readonly parent: string }[] {
    return [...this.#channels.values()].flatMap(({ id, name, parent }) =>
      parent === null ? [] : [{ id, name, parent }],
    );
  }

  /** Null: there is no such channel. */
  shown(channel: string): Shown[] | null {
    return this.#channels.get(channel)?.messages.map((kept) => this.#show(kept)) ?? null;
  }

  find(channel: string, message: string): APIMessage | DiscordError {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    return place.messages.find((kept) => kept.message.id === message)?.message ?? UNKNOWN_MESSAGE;
  }

  /** The first `limit` that came after that one, the newest first; their nonces are not kept with them. */
  listAfter(channel: string, after: string, limit: number): APIMessage[] | DiscordError {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    const later = place.messages.filter(({ message, seenBy }) => seenBy === null && BigInt(message.id) > BigInt(after));
    const listed = later.slice(0, limit).toReversed();
    return listed.map(({ message }) => {
      const thread = this.channel(message.id);
      return thread === null ? message : { ...message, thread };
    });
  }

  post(
    channel: string,
    author: APIUser,
    body: MessageBody,
    {
      files = [],
      seenBy = null,
      isLoading = false,
    }: { files?: SentFile[]; seenBy?: string | null; isLoading?: boolean } = {},
  ): APIMessage | DiscordError {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    if (!isLoading && isEmpty(body, files.length)) return refuse(400, 50006, 'Cannot send an empty message');
    const { message_id, fail_if_not_exists = true } = body.message_reference ?? {};
    const isKnown = message_id === undefined || place.messages.some((kept) => kept.message.id === message_id);
    if (!isKnown && fail_if_not_exists) {
      const errors = {
        message_reference: { _errors: [{ code: 'REPLIES_UNKNOWN_MESSAGE', message: 'Unknown message' }] },
      };
      return refuse(400, 50035, 'Invalid Form Body', errors);
    }
    const nonce = body.nonce === undefined ? null : String(body.nonce);
    const isKnownStill = ({ message }: Kept) => this.#now() - Date.parse(message.timestamp) < NONCE_MS;
    const same =
      body.enforce_nonce === true
        ? place.messages.find((kept) => kept.nonce === nonce && isKnownStill(kept))
        : undefined;
    if (same !== undefined) return same.message;
    const attached = this.#attached([], body, files);
    if (isError(attached)) return attached;
    const content = (body.content ?? '').trim();
    const flags =
      (body.flags ?? 0) | (isLoading ? MessageFlags.Loading : 0) | (seenBy === null ? 0 : MessageFlags.Ephemeral);
    const message: APIMessage = {
      id: this.snowflake(),
      channel_id: channel,
      author,
      content,
      timestamp: new Date(this.#now()).toISOString(),
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mentions: [],
      mention_roles: [],
      attachments: attached.map(described),
      embeds: [],
      pinned: false,
      type: MessageType.Default,
      flags: flagsOf(flags),
      components: componentsOf(body),
    };
    const called = calledBy(content, body.allowed_mentions);
    const allowed_mentions = body.allowed_mentions ?? null;
    place.messages.push({ message, files: attached, called, allowed_mentions, seenBy, nonce });
    place.archived = false;
    return message;
  }

  edit(channel: string, id: string, body: MessageBody, files: SentFile[] = []): APIMessage | DiscordError {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    const kept = place.messages.find(({ message }) => message.id === id);
    if (kept === undefined) return UNKNOWN_MESSAGE;
    if (place.archived) return refuse(400, 50083, 'Tried to perform an operation on an archived thread');
    const { message } = kept;
    const content = body.content === undefined ? message.content : (body.content ?? '').trim();
    const components = body.components === undefined ? (message.components ?? []) : componentsOf(body);
    const keptFiles = this.#attached(kept.files, body, files);
    if (isError(keptFiles)) return keptFiles;
    if (
      isEmpty({ content, ...(components.length === 0 ? {} : { components: [] }) }, keptFiles.length + components.length)
    ) {
      return refuse(400, 50006, 'Cannot send an empty message');
    }
    const wasLoading = ((message.flags ?? 0) & MessageFlags.Loading) !== 0;
    kept.files = keptFiles;
    kept.allowed_mentions = body.allowed_mentions ?? null;
    // Only what is new calls anybody: an edit does not.
    if (wasLoading) kept.called = calledBy(content, body.allowed_mentions);
    kept.message = {
      ...message,
      content,
      components,
      attachments: keptFiles.map(described),
      flags: flagsOf((body.flags ?? message.flags ?? 0) & ~MessageFlags.Loading),
      edited_timestamp: wasLoading ? null : new Date(this.#now()).toISOString(),
    };
    return kept.message;
  }

  remove(channel: string, id: string): DiscordError | null {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    const at = place.messages.findIndex(({ message }) => message.id === id);
    if (at === -1) return UNKNOWN_MESSAGE;
    place.messages.splice(at, 1);
    return null;
  }

  /** @param message null: a thread that stands alone */
  startThread(channel: string, message: string | null, name: string): APIChannel | DiscordError {
    const place = this.#channels.get(channel);
    if (place === undefined) return UNKNOWN_CHANNEL;
    if (place.parent !== null) return refuse(400, 50024, 'Cannot execute action on this channel type');
    if (message === null) return this.channel(this.addChannel(name, channel)) ?? UNKNOWN_CHANNEL;
    if (!place.messages.some((kept) => kept.message.id === message)) return UNKNOWN_MESSAGE;
    if (this.#channels.has(message)) return refuse(400, 160004, 'A thread has already been created for this message');
    return this.channel(this.addChannel(name, channel, message)) ?? UNKNOWN_CHANNEL;
  }

  #described({ id, name, parent, archived }: Channel): APIChannel {
    if (parent === null) return { id, name, type: ChannelType.GuildText, guild_id: this.guild, position: 0 };
    const thread_metadata = {
      archived,
      auto_archive_duration: ThreadAutoArchiveDuration.OneDay,
      archive_timestamp: '',
      locked: false,
    };
    return {
      id,
      name,
      type: ChannelType.PublicThread,
      guild_id: this.guild,
      parent_id: parent,
      thread_metadata,
      applied_tags: [],
    };
  }

  /** The files of a message from then on: where `attachments` is given, those that it names and no others. */
  #attached(before: readonly SentFile[], { attachments }: MessageBody, sent: readonly SentFile[]) {
    const all = [...before, ...sent];
    const named = attachments?.map(({ id }) => String(id)) ?? all.map(({ id }) => id);
    if (named.some((id) => !all.some((file) => file.id === id))) {
      const errors = { attachments: { _errors: [{ code: 'ATTACHMENT_NOT_FOUND', message: 'Unknown attachment' }] } };
      return refuse(400, 50035, 'Invalid Form Body', errors);
    }
    const kept = all.filter(({ id }) => named.includes(id));
    return kept.map((file) => (sent.includes(file) ? { ...file, id: this.snowflake() } : file));
  }

  #show({ message, files, called, seenBy }: Kept): Shown {
    const rows = (message.components ?? []).flatMap((row) =>
      row.type === ComponentType.ActionRow ? [row.components.map((one) => labelOf(one))] : [],
    );
    return {
      id: message.id,
      author: message.author.username,
      content: message.content,
      rows,
      files: files.map(({ name, text }) => ({ name, text })),
      called,
      thread: this.#channels.has(message.id) ? message.id : null,
      edited: message.edited_timestamp !== null,
      isLoading: ((message.flags ?? 0) & MessageFlags.Loading) !== 0,
      seenBy,
    };
  }
}

function described({ id, name, text }: SentFile): APIAttachment {
  return { id, filename: name, size: Buffer.byteLength(text), url: '', proxy_url: '' };
}

function flagsOf(bits: number): MessageFlags {
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- bits of it, put together
  return bits;
}

type Rows = NonNullable<APIMessage['components']>;
type Row = Extract<Rows[number], { type: ComponentType.ActionRow }>;

function labelOf(component: Row['components'][number]): string | string[] {
  if (component.type === ComponentType.StringSelect) return component.options.map(({ label }) => label);
  const label = 'label' in component ? (component.label ?? '') : '';
  return component.disabled === true ? `[${label}]` : label;
}

/** They have been checked by `rules.ts`, whose types are those of what may be sent. */
function componentsOf({ components = [] }: MessageBody): Rows {
  return structuredClone(components) as Rows;
}

function calledBy(content: string, allowed: MessageBody['allowed_mentions']): Called {
  const { parse = [], users = [], roles = [] } = allowed ?? { parse: ['users', 'roles', 'everyone'] };
  const mentioned = (pattern: RegExp) => [...content.matchAll(pattern)].flatMap(([, id]) => id ?? []);
  return {
    users: mentioned(/<@!?(\d+)>/g).filter((id) => parse.includes('users') || users.includes(id)),
    roles: mentioned(/<@&(\d+)>/g).filter((id) => parse.includes('roles') || roles.includes(id)),
    everyone: parse.includes('everyone') && /@(?:everyone|here)/.test(content),
  };
}
