import type { APIInteractionResponse } from 'discord-api-types/v10';
import type { ChildResult } from '../../protocol/api/session/child.ts';
import type { DiscordAskRequest, DiscordNotifyRequest, DiscordPersonal } from '../../protocol/api/discord.ts';
import type { InteractionView } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { StoredDeskUpdate } from '../session/core/desk-update.ts';

/** What people on Discord are shown of a session. */
export type DeskUpdate =
  | { readonly kind: 'asked' | 'closed'; readonly view: InteractionView }
  | { readonly kind: 'reminded'; readonly view: InteractionView; readonly attempt: number; readonly of: number }
  | Extract<StoredDeskUpdate, { kind: 'notified' | 'status' }>
  | { readonly kind: 'ended'; readonly result: ChildResult };

/** A session's updates are numbered by the session. */
export interface NumberedDeskUpdate {
  readonly n: number;
  readonly update: DeskUpdate;
}

/** The session that reports, and its owner. */
export interface DeskSession {
  readonly session_id: string;
  readonly owner: string;
}

/** What handlers and sessions may ask of the Discord desk. */
export interface DiscordRpc extends Rpc.DurableObjectBranded {
  /** Someone acts on Discord: the answer, within 3 seconds. Each interaction counts once. */
  interact(interaction: DiscordPersonal): Promise<APIInteractionResponse>;
  /** A session reports what people are to see. An update that the desk has already is ignored. */
  sessionUpdated(session: DeskSession, updates: readonly NumberedDeskUpdate[]): void;
  /** What a session that has a thread does now: a line of plain text. */
  progress(sessionId: string, text: string): void;
  /** A session is deleted: those who saw it, and those whom it asked, are told. */
  sessionDeleted(sessionId: string): void;
  /** Says something in the channel. The same key again within a day says nothing more; null: it is taken. */
  notify(
    owner: string,
    request: { readonly key: string | undefined; readonly input: DiscordNotifyRequest },
  ): Refusal | null;
  /** Asks something in the channel. The same id or key again asks nothing more. */
  ask(
    owner: string,
    question: { readonly id: string; readonly key: string | undefined; readonly input: DiscordAskRequest },
  ): InteractionView | Refusal;
  asked(owner: string, id: string): InteractionView | Refusal;
  /** A code that links a Discord account to `owner`. It works once, for ten minutes. */
  mintCode(owner: string): { code: string; expires_at: string };
  /** The Discord accounts that are linked to this owner. */
  linked(owner: string): string[];
  unlink(owner: string): void;
}
