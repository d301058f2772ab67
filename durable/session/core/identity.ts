import type { CreateSessionRequest } from '../../../protocol/api/session.ts';

/** How a child's parent created it. */
interface ParentFacts {
  /** The session that created it. */
  readonly parent: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
  readonly prompt: string;
  /** Where its updates are posted; null: only its parent gets them. */
  readonly webhook: { readonly url: string; readonly secret: string } | null;
  /** The session whose files it works in; null: it has its own. */
  readonly inherits: string | null;
}

/** What is fixed when a session is created. */
export interface SessionIdentity {
  readonly session_id: string;
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly request: CreateSessionRequest;
  /** The session that it is a fork of. */
  readonly forked_from: string | null;
  /** Null: it is nobody's child. */
  readonly spawn: ParentFacts | null;
}

/** The owner's workspace that the session works in; null: it has one of its own. */
export function workspaceIdOf({ request, session_id }: SessionIdentity): string | null {
  const { workspace } = request;
  return workspace.type === 'persistent' ? (workspace.id ?? session_id) : null;
}

/** The session whose files this one works in; null: it has its own. */
export function inheritsFrom({ spawn }: SessionIdentity): string | null {
  return spawn?.inherits ?? null;
}
