import type { PushKeys, PushKind } from '../../../protocol/api/push.ts';
import type { TokenMark } from '../../shared/tokens/revocation.ts';

/** A device that the owner's sessions push to. Times are epoch milliseconds. */
export interface PushRow {
  readonly id: string;
  readonly endpoint: string;
  readonly keys: PushKeys;
  readonly what: readonly PushKind[];
  readonly label: string | null;
  /** When the push service ends it; null: it does not say. */
  readonly expires: number | null;
  /** The origin at which its owner reached the service. */
  readonly origin: string;
  /** Of the token by which it last said that it is there: the device hears nothing more once that is revoked. */
  readonly token: TokenMark;
  readonly created: number;
  readonly updated: number;
}

/** The owner's push subscriptions. */
export class PushTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS push_subscriptions (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
  }

  /** The newest first. */
  all(): PushRow[] {
    const rows = this.#sql.exec<{ json: string }>('SELECT json FROM push_subscriptions');
    return [...rows].map(({ json }) => JSON.parse(json) as PushRow).sort((a, b) => b.created - a.created);
  }

  get(id: string): PushRow | null {
    const [row] = this.#sql.exec<{ json: string }>('SELECT json FROM push_subscriptions WHERE id = ?', id);
    return row === undefined ? null : (JSON.parse(row.json) as PushRow);
  }

  set(row: PushRow): void {
    const insert = 'INSERT OR REPLACE INTO push_subscriptions (id, json) VALUES (?, ?)';
    this.#sql.exec(insert, row.id, JSON.stringify(row));
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM push_subscriptions WHERE id = ?', id);
  }
}
