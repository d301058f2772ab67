import type { SessionEnvironment } from '../../../protocol/api/environment-name.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session/session.ts';
import type { Receiver } from '../../shared/webhooks/receiver.ts';
import type { NamedAuthor } from '../../../protocol/git/git-author.ts';

/** What a child's parent fixed when it created the child. */
export interface ParentFacts {
  readonly parent: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
  /** The webhook that its updates are posted to as well; null: only its parent gets them. */
  readonly webhook: Receiver | null;
  /** The channel of Redis that its updates are published on as well. Absent: on none, as in what version 4 stored. */
  readonly channel?: string;
  /** The session whose files it works in; null: it has files of its own. */
  readonly inherits: string | null;
}

/** The facts that are fixed when a session is created. */
export interface SessionIdentity {
  readonly session_id: string;
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly request: CreateSessionRequest;
  /** The author of its commits, as its creator's token named them. Absent: it did not, or an earlier version asked none. */
  readonly author?: NamedAuthor;
  /** The session that it is a fork of; null: it is no fork. */
  readonly forked_from: string | null;
  /** Null: it has no parent. */
  readonly spawn: ParentFacts | null;
  /** The environment that it was created from; what it keeps of that has a table of its own. Absent: none. */
  readonly environment?: SessionEnvironment;
  /** The origin at which its creator reached the service: previews are there (`PREVIEW_DOMAIN`). Absent: an earlier version asked none. */
  readonly origin?: string;
  /** Where word of it is posted to (`config.callback`). Absent: nowhere, or it is a child, whose parent says where. */
  readonly callback?: Receiver;
}

/** The owner's persistent workspace that the session works in; null: its workspace is its own. */
export function workspaceIdOf({ request, session_id }: SessionIdentity): string | null {
  const { workspace } = request;
  return workspace.type === 'persistent' ? (workspace.id ?? session_id) : null;
}

/** The session whose files this one works in; null: it has files of its own. */
export function inheritsFrom({ spawn }: SessionIdentity): string | null {
  return spawn?.inherits ?? null;
}
