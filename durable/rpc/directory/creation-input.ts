import type { CreateSessionRequest } from '../../../protocol/api/session/session.ts';
import type { Prompt } from '../../../protocol/content/blocks.ts';
import type { NamedAuthor } from '../../../protocol/git/git-author.ts';
import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';
import type { ChildCreation } from '../session/creation.ts';

export interface CreateInput {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly idempotency_key: string | undefined;
  /** The author of its commits, as its creator's token names them. Absent: it does not. */
  readonly author?: NamedAuthor;
  /** Where in a trace it is created. Absent: in none. */
  readonly traceparent?: string | undefined;
  /**
   * Of a child or a fork: what its parent keeps of its environment, which it keeps too; null: nothing. Absent: its request may name
   * one.
   */
  readonly inherited?: FrozenEnvironment | null;
  /** The origin at which the caller reached the service. Absent: it was none that links can lead to. */
  readonly origin?: string;
  /** It begins as a fork; `asked` is the caller's request as text, which is kept with the key. */
  readonly fork?: ForkOrigin & { readonly asked: string };
}

/** The snapshot that a session is forked from. */
export interface ForkOrigin {
  readonly session_id: string;
  readonly snapshot_id: string;
  /** Claude Code's id of the conversation that the snapshot holds. */
  readonly conversation_id: string;
}

/** A child to create. */
export interface SpawnInput extends Pick<
  CreateInput,
  'session_id' | 'owner' | 'request' | 'idempotency_key' | 'author' | 'origin' | 'traceparent' | 'inherited'
> {
  readonly child: ChildCreation;
  /** Its first prompt. */
  readonly prompt: Prompt;
  /** The caller's request as text, which is kept with the key. */
  readonly asked: string;
}
