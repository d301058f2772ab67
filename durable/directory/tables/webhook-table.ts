import type { Receiver } from '../../shared/webhooks/receiver.ts';

/** One of the owner's webhooks. Times are epoch milliseconds. */
export interface WebhookRow {
  readonly name: string;
  readonly receiver: Receiver;
  readonly created: number;
  readonly updated: number;
}

interface Row extends Record<string, SqlStorageValue> {
  name: string;
  json: string;
  created: number;
  updated: number;
}

const read = ({ name, json, created, updated }: Row): WebhookRow => ({
  name,
  receiver: JSON.parse(json) as Receiver,
  created,
  updated,
});

/** The owner's webhooks, and a number that grows with each change of them, or of the owner's devices. */
export class WebhookTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS webhooks (
      name TEXT PRIMARY KEY, json TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID`);
    sql.exec(
      'CREATE TABLE IF NOT EXISTS webhooks_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)',
    );
  }

  /** 0: there never was a webhook, nor a device. */
  get version(): number {
    return [...this.#sql.exec<{ version: number }>('SELECT version FROM webhooks_version')][0]?.version ?? 0;
  }

  all(): WebhookRow[] {
    return [...this.#sql.exec<Row>('SELECT name, json, created, updated FROM webhooks ORDER BY name')].map(read);
  }

  get(name: string): WebhookRow | null {
    const [row] = this.#sql.exec<Row>('SELECT name, json, created, updated FROM webhooks WHERE name = ?', name);
    return row === undefined ? null : read(row);
  }

  set({ name, receiver, created, updated }: WebhookRow): void {
    const json = JSON.stringify(receiver);
    const insert = 'INSERT OR REPLACE INTO webhooks (name, json, created, updated) VALUES (?, ?, ?, ?)';
    this.#sql.exec(insert, name, json, created, updated);
    this.changed();
  }

  remove(name: string): void {
    this.#sql.exec('DELETE FROM webhooks WHERE name = ?', name);
    this.changed();
  }

  /** The sessions ask again where to post. */
  changed(): void {
    this.#sql.exec(
      'INSERT INTO webhooks_version (id, version) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = version + 1',
    );
  }
}
