import type { SpawnRequest } from '../../protocol/api/child.ts';
import type { CreateSessionRequest } from '../../protocol/api/session.ts';
import type { Beginning } from '../shared/trees.ts';
import type { StoredSessionView } from './views.ts';

/** How a session is created, besides what its files begin with. */
export interface Creation {
  /** Whether a budget covers it. */
  readonly permit: 'free' | 'due';
  /** Null: no session began it. */
  readonly spawn: ChildCreation | null;
}

/** What a child begins with. */
export interface ChildCreation {
  /** The session that began it. */
  readonly parent: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
  readonly prompt: string;
  /** Where its updates are posted; null: only its parent gets them. */
  readonly webhook: Webhook | null;
  /** The session whose files it works in: its parent, or the one that the parent itself works in; null: it has its own. */
  readonly inherits: string | null;
}

export interface Webhook {
  readonly url: string;
  /** `whsec_` and base64: signs what is posted. */
  readonly secret: string;
}

/** A session to create. */
export interface CreateCall {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly beginning: Beginning;
  readonly creation: Creation;
}

export interface SpawnCall {
  readonly child_id: string;
  readonly request: SpawnRequest;
  readonly idempotency_key: string | undefined;
}

/** A child that has been created. */
export interface Spawned {
  readonly view: StoredSessionView;
  readonly child: ChildCreation;
}
