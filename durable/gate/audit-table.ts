import type { AuditAction } from '../../protocol/api/admin.ts';
import type { AuditPage, AuditQuery, AuditRecord } from '../rpc/gate-rpc.ts';

interface Row extends Record<string, SqlStorageValue> {
  id: number;
  time: number;
  actor: string;
  action: AuditAction;
  target: string;
  address: string | null;
  detail: string | null;
}

/** Who did what. Records are added, and removed when they are old; none is ever changed. */
export class AuditTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
      target TEXT NOT NULL, address TEXT, detail TEXT)`);
  }

  add({ time, actor, action, target, address, detail }: AuditRecord): void {
    this.#sql.exec(
      'INSERT INTO audit (time, actor, action, target, address, detail) VALUES (?, ?, ?, ?, ?, ?)',
      time,
      actor,
      action,
      target,
      address,
      detail,
    );
  }

  /** The newest first. */
  page({ actor, action, cursor, limit }: AuditQuery): AuditPage {
    const rows = this.#sql
      .exec<Row>(
        `SELECT id, time, actor, action, target, address, detail FROM audit
         WHERE id < ? AND (? IS NULL OR actor = ?) AND (? IS NULL OR action = ?) ORDER BY id DESC LIMIT ?`,
        cursor ?? Number.MAX_SAFE_INTEGER,
        actor ?? null,
        actor ?? null,
        action ?? null,
        action ?? null,
        limit + 1,
      )
      .toArray();
    const data = rows.slice(0, limit);
    return { data, next_cursor: rows.length > limit ? String(data.at(-1)?.id) : null };
  }

  removeBefore(time: number): void {
    this.#sql.exec('DELETE FROM audit WHERE time < ?', time);
  }
}
