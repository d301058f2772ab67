import type { SpawnRequest } from '../../../protocol/api/session/child.ts';
import type { NamedAuthor } from '../../../protocol/git/git-author.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session/session.ts';
import type { Receiver } from '../../shared/webhooks/receiver.ts';
import type { Prompt } from '../../../protocol/content/blocks.ts';
import type { ParentFacts } from '../../session/core/identity.ts';
import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';
import type { Beginning } from '../../shared/trees.ts';
import type { StoredSessionView } from './views.ts';

/** How a session is created, besides what its files begin with. */
export interface Creation {
  /** Whether a budget covers it. */
  readonly permit: 'free' | 'due';
  /** Null: no session began it. */
  readonly spawn: ChildCreation | null;
  /** See `SessionIdentity`. */
  readonly callback?: Receiver;
  /** See `SessionIdentity`. */
  readonly author?: NamedAuthor;
  /** See `SessionIdentity`. */
  readonly origin?: string;
  /** What created it, in its trace (`traceparent`). Absent: it is not traced. */
  readonly traceparent?: string;
  /** What it keeps of its environment. Absent: it has none. */
  readonly environment?: FrozenEnvironment;
  /** A child's first prompt. Absent: it is no child, or was created before and this is the call once more. */
  readonly prompt?: Prompt;
}

/** What a child's parent fixes. */
export type ChildCreation = ParentFacts;

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
  /** The `traceparent` of the call that asks for it. Absent: the turn that runs does, or nothing that is traced. */
  readonly traceparent?: string | undefined;
  /** The origin at which the caller reached the service: links lead there. Absent: the agent calls. */
  readonly origin?: string;
}

/** A session that has been created. */
export interface Created extends StoredSessionView {
  /** The secret that signs its callback's posts; absent: it has none. Only its creator hears of it. */
  readonly callback_secret?: string;
}

/** A child that has been created. */
export interface Spawned {
  readonly view: StoredSessionView;
  readonly child: ChildCreation;
}
