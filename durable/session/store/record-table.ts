import { NEW_SESSION, type RunningMessage } from '../core/state.ts';
import type { SessionRecord } from './record.ts';

/** What a record that an earlier version stored may lack. */
const LATER = {
  open_interactions: 0,
  live_usd: 0,
  children: [],
  leave_version: 0,
  spent: null,
  on_discord: false,
  sharers: [],
  sharing: false,
} as const;
const LATER_OF_IDENTITY = { spawn: null } as const;
const LATER_OF_CONFIG = { answerers: [], interaction_reminders: 0 };
const LATER_OF_CURRENT: Pick<RunningMessage, 'own_deadline' | 'paused'> = { own_deadline: true, paused: null };

/** Keeps the record in the object's own database, so that it changes in the same transaction as the log. */
export class RecordTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)');
  }

  /** Null: there is none; its table need not be there. */
  load(): SessionRecord | null {
    const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'");
    if (tables.toArray().length === 0) return null;
    const row = [...this.#sql.exec<{ json: string }>('SELECT json FROM record')][0];
    if (row === undefined) return null;
    const stored = JSON.parse(row.json) as SessionRecord;
    const { current } = stored.state;
    const completed = current === null ? null : { ...LATER_OF_CURRENT, ...current };
    const { request } = stored.identity;
    const config = { ...LATER_OF_CONFIG, ...request.config };
    const identity = { ...LATER_OF_IDENTITY, ...stored.identity, request: { ...request, config } };
    return { ...LATER, ...stored, identity, state: { ...NEW_SESSION, ...stored.state, current: completed } };
  }

  save(record: SessionRecord): void {
    this.#sql.exec('INSERT OR REPLACE INTO record (id, json) VALUES (1, ?)', JSON.stringify(record));
  }
}
