import type { InteractionSubject } from '../../../protocol/api/session/interaction.ts';
import { jsonText, type JsonText } from '../../../protocol/json-text.ts';
import type { InboxQuery } from '../../rpc/directory/lists.ts';
import type { StoredSummary } from '../../rpc/session/views.ts';
import type { ListedInteraction } from '../../shared/interactions/listed-interaction.ts';

/** What waits for people, as its session has reported it, and what the list shows of that session. */
interface WaitingRow {
  readonly session_id: string;
  readonly id: string;
  readonly json: JsonText<ListedInteraction>;
  readonly summary: JsonText<StoredSummary>;
}

/** The place of an interaction in the list. */
export interface WaitingPlace {
  readonly opened: number;
  readonly session_id: string;
  readonly id: string;
}

/** What waits for people in all of the owner's sessions. `version`: of its last change in the feed. */
export class WaitingTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // The container chooses the ids: they are its session's own.
    sql.exec(`CREATE TABLE IF NOT EXISTS waiting (
      session_id TEXT NOT NULL, id TEXT NOT NULL, opened INTEGER NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
      json TEXT NOT NULL, PRIMARY KEY (session_id, id)) WITHOUT ROWID`);
  }

  /** The interactions of a session that wait, by their ids. */
  ofSession(sessionId: string): Map<string, string> {
    const rows = this.#sql.exec<{ id: string; json: string }>(
      'SELECT id, json FROM waiting WHERE session_id = ?',
      sessionId,
    );
    return new Map([...rows].map(({ id, json }) => [id, json]));
  }

  set(interaction: ListedInteraction, version: number): void {
    const { session_id, interaction_id, created_at, subject } = interaction;
    this.#sql.exec(
      'INSERT OR REPLACE INTO waiting (session_id, id, opened, kind, version, json) VALUES (?, ?, ?, ?, ?, ?)',
      session_id,
      interaction_id,
      Date.parse(created_at),
      subject.kind satisfies InteractionSubject['kind'],
      version,
      jsonText(interaction),
    );
  }

  remove(sessionId: string, id: string): void {
    this.#sql.exec('DELETE FROM waiting WHERE session_id = ? AND id = ?', sessionId, id);
  }

  removeSession(sessionId: string): void {
    this.#sql.exec('DELETE FROM waiting WHERE session_id = ?', sessionId);
  }

  /** Those after a place, the oldest first: one at a time, as they are read. */
  after(place: WaitingPlace | null, { kind, session_id }: Pick<InboxQuery, 'kind' | 'session_id'>) {
    return this.#sql.exec<WaitingRow & WaitingPlace & Record<string, SqlStorageValue>>(
      `SELECT w.session_id, w.id, w.opened, w.json, s.summary FROM waiting w JOIN sessions s ON s.id = w.session_id
        WHERE s.summary IS NOT NULL AND (?1 IS NULL OR w.kind = ?1) AND (?2 IS NULL OR w.session_id = ?2)
          AND (?3 IS NULL OR (w.opened, w.session_id, w.id) > (?3, ?4, ?5))
        ORDER BY w.opened, w.session_id, w.id`,
      kind ?? null,
      session_id ?? null,
      place?.opened ?? null,
      place?.session_id ?? null,
      place?.id ?? null,
    );
  }
}
