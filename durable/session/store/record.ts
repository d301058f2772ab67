import type { Resources } from '../../../protocol/api/session-config.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session.ts';
import type { SpawnBirth } from '../../rpc/creation.ts';
import type { Spent } from '../../directory/core/budget.ts';
import { beginFiles, type Beginning, type FilesState } from '../core/files.ts';
import { NEW_SESSION, type SessionState } from '../core/state.ts';

/** What is fixed when a session is created. */
export interface SessionIdentity {
  readonly session_id: string;
  readonly owner: string;
  readonly created: number;
  readonly request: CreateSessionRequest;
  /** The session that it is a fork of. */
  readonly forked_from: string | null;
  /** How its parent began it; null: it is nobody's child. */
  readonly spawn: SpawnBirth | null;
}

/** How the container is limited, and which secrets the operator lets into it. */
export interface ContainerFacts {
  readonly resources: Resources | null;
  readonly exposed_secrets: readonly string[];
}

export const NO_CONTAINER: ContainerFacts = { resources: null, exposed_secrets: [] };

/** All that a session keeps beside its log, messages and commands. Plain data, replaced whole with each change. */
export interface SessionRecord {
  readonly identity: SessionIdentity;
  readonly state: SessionState;
  /** How much of this epoch's link is stored: items `1 … stored`, and the runner's notices `1 … host_stored`. */
  readonly link: { readonly epoch: number; readonly stored: number; readonly host_stored: number };
  /** What the runner said of this epoch's container when it started. */
  readonly container: ContainerFacts;
  readonly files: FilesState;
  /** The persistent workspace is held, as far as is known: it is to be released once the files are saved. */
  readonly holding: boolean;
  /** Questions and permissions that are open. */
  readonly open_interactions: number;
  readonly turns: number;
  readonly cost_usd: number;
  /** What the turn that runs has cost so far, which is no part of `cost_usd` yet. */
  readonly live_usd: number;
  /** The sessions that it has begun, the oldest first. */
  readonly children: readonly string[];
  /** Sessions whose containers work in this one's files. */
  readonly sharers: readonly string[];
  /** The session in whose files it works knows that its container does. */
  readonly sharing: boolean;
  /** The version of what the owner's ledger said last of its leave. */
  readonly leave_version: number;
  /** The budget that is spent, as the log says it is; null: none. */
  readonly spent: Spent | null;
  /** It has a thread on Discord. */
  readonly on_discord: boolean;
  readonly last_activity: number;
  /** What the pool has yet to be told, and may be told twice. */
  readonly pool: 'want' | 'release' | null;
  /** Counts changes that the owner's directory should see; `told` is the last that it has. */
  readonly changes: number;
  readonly told: number;
}

/** The owner's workspace that the session works in; null: it has one of its own. */
export function workspaceIdOf({ request, session_id }: SessionIdentity): string | null {
  const { workspace } = request;
  return workspace.type === 'persistent' ? (workspace.id ?? session_id) : null;
}

export function newRecord(identity: SessionIdentity, beginning: Beginning): SessionRecord {
  return {
    identity,
    state: NEW_SESSION,
    link: { epoch: 0, stored: 0, host_stored: 0 },
    container: NO_CONTAINER,
    files: beginFiles(beginning),
    holding: false,
    open_interactions: 0,
    turns: 0,
    cost_usd: 0,
    live_usd: 0,
    children: [],
    sharers: [],
    sharing: false,
    leave_version: 0,
    spent: null,
    on_discord: false,
    last_activity: identity.created,
    pool: null,
    changes: 1,
    told: 0,
  };
}
