import type { Resources } from '../protocol/session-config.ts';
import type { CreateSessionRequest } from '../protocol/session.ts';
import { NEW_SESSION, type SessionState } from './core/session-state.ts';

/** What is fixed when a session is created. */
export interface SessionIdentity {
  readonly session_id: string;
  readonly owner: string;
  readonly created: number;
  readonly request: CreateSessionRequest;
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
  readonly turns: number;
  readonly cost_usd: number;
  readonly last_activity: number;
  /** What the pool has yet to be told, and may be told twice. */
  readonly pool: 'want' | 'release' | null;
  /** Counts changes that the owner's directory should see; `told` is the last that it has. */
  readonly changes: number;
  readonly told: number;
}

export function newRecord(identity: SessionIdentity): SessionRecord {
  return {
    identity,
    state: NEW_SESSION,
    link: { epoch: 0, stored: 0, host_stored: 0 },
    container: NO_CONTAINER,
    turns: 0,
    cost_usd: 0,
    last_activity: identity.created,
    pool: null,
    changes: 1,
    told: 0,
  };
}

/** Keeps the record in the object's own database, so that it changes in the same transaction as the log. */
export class RecordTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)');
  }

  load(): SessionRecord | null {
    const row = [...this.#sql.exec<{ json: string }>('SELECT json FROM record')][0];
    return row === undefined ? null : (JSON.parse(row.json) as SessionRecord);
  }

  save(record: SessionRecord): void {
    this.#sql.exec('INSERT OR REPLACE INTO record (id, json) VALUES (1, ?)', JSON.stringify(record));
  }
}
