import type { StorageView } from '../../protocol/api/files/workspace.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { QuotaNotice } from '../rpc/directory/reports.ts';
import { quotaBytes } from '../shared/quota.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { SessionBytesTable } from './tables/session-bytes-table.ts';
import type { StorageUsageTable } from './tables/storage-usage-table.ts';

/** All that an owner has stored, and whether it is more than `STORAGE_QUOTA_MB`. */
export class OwnerQuota {
  readonly sessions: SessionBytesTable;
  readonly #sql: SqlStorage;
  readonly #files: StorageUsageTable;
  readonly #quota: number | null;

  constructor(sql: SqlStorage, files: StorageUsageTable, settings: EdgeSettings) {
    this.#sql = sql;
    this.#files = files;
    this.#quota = quotaBytes(settings);
    this.sessions = new SessionBytesTable(sql);
    // One row. `version` counts how often the owner has come over the quota, or under it.
    sql.exec(`CREATE TABLE IF NOT EXISTS quota_state (
      id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, over INTEGER NOT NULL)`);
  }

  usage(): StorageView {
    const { bytes, ...counts } = this.#files.totals();
    const session_bytes = this.sessions.total();
    const directory_bytes = this.#sql.databaseSize;
    const total_bytes = bytes + session_bytes + directory_bytes;
    return { bytes, session_bytes, directory_bytes, total_bytes, quota_bytes: this.#quota, ...counts };
  }

  /** Why nothing more may be stored; null: there is room. */
  refusal(): Refusal | null {
    if (this.#quota === null) return null;
    const files = this.#files.certain();
    const sessions = this.sessions.total();
    const own = this.#sql.databaseSize;
    const total = files + sessions + own;
    if (total < this.#quota) return null;
    const largest = this.sessions.largest();
    const most = largest === null ? '' : `, of which the session ${largest.id} takes ${mb(largest.bytes)}`;
    const detail =
      `You have stored ${mb(total)} of the ${mb(this.#quota)} that are yours (STORAGE_QUOTA_MB): ${mb(files)} in snapshots and ` +
      `artifacts, ${mb(sessions)} in logs and messages of sessions${most}, and ${mb(own)} in the list of sessions. Delete sessions, ` +
      'workspaces or artifacts that you no longer need. All that is stored can be read meanwhile, and the next message works once there is room.';
    return { refused: 'quota_exceeded', detail };
  }

  /** What sessions are to know of the quota now. `isNews`: they were told otherwise before. */
  notice(): QuotaNotice & { readonly isNews: boolean } {
    // Without a quota there is nothing to know, nor to write down.
    if (this.#quota === null) return { version: 0, over: null, isNews: false };
    const over = this.refusal()?.detail ?? null;
    const row = this.#sql.exec<{ version: number; over: number }>('SELECT version, over FROM quota_state').toArray()[0];
    const { version, over: before } = row ?? { version: 1, over: 0 };
    const isNews = (over !== null) !== (before === 1);
    if (!isNews) return { version, over, isNews };
    this.#sql.exec(
      'INSERT OR REPLACE INTO quota_state (id, version, over) VALUES (1, ?, ?)',
      version + 1,
      over === null ? 0 : 1,
    );
    return { version: version + 1, over, isNews };
  }
}

const mb = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MB`;
