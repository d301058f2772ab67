import type * as z from 'zod';
import type { ArtifactView } from '../../../protocol/api/files/artifact.ts';
import type { InteractionView } from '../../../protocol/api/session/interaction.ts';
import type { MessageView, TurnView } from '../../../protocol/api/session/message.ts';
import type { SessionSummary, SessionView } from '../../../protocol/api/session/session.ts';
import type { JsonText } from '../../../protocol/json-text.ts';
import type { DeliveryView } from '../../../protocol/api/webhook.ts';
import type { SnapshotView } from '../../../protocol/api/files/workspace.ts';
import type { childToolOutputs } from '../../../protocol/link/child-tools.ts';
import type { ListedInteraction } from '../../shared/interactions/listed-interaction.ts';

/** A summary as the owner's directory keeps it. `changes` orders two summaries of the same session. */
export interface VersionedSummary {
  readonly changes: number;
  readonly summary: StoredSummary;
}

/** What waits for people in a session, the oldest first, as its owner's inbox keeps it. `changes` orders two of the same session. */
export interface VersionedInbox {
  readonly changes: number;
  readonly open: readonly ListedInteraction[];
}

export type StoredSummary = Omit<SessionSummary, 'websocket_url'>;

/** The session as its owner sees it, without the address of its stream: only the caller's request tells that. */
export type StoredSessionView = Omit<SessionView, 'websocket_url'>;

/** A child as its parent's agent sees it. */
export type ChildLine = Omit<z.infer<typeof childToolOutputs.list_children>['children'][number], 'child_session_id'>;
export type ChildOutcome = Omit<z.infer<typeof childToolOutputs.get_child_result>, 'child_session_id'>;

/** What a link answers, and in whose name. */
export interface LinkedInteraction {
  readonly owner: string;
  /** Of the session. */
  readonly title: string | null;
  /** As text: a tool's input may be any JSON, which no type of an answer's can say. */
  readonly view: JsonText<InteractionView>;
}

/** A page of a list; `next_cursor` is null on the last one. */
interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

export type ArtifactPage = Page<ArtifactView>;
export type DeliveryPage = Page<DeliveryView>;
export type InteractionPage = Page<InteractionView>;
export type MessagePage = Page<MessageView>;
export type SnapshotPage = Page<SnapshotView>;
export type TurnPage = Page<TurnView & { readonly message_ids: readonly string[] }>;
