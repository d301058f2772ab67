import type { ArtifactPage } from '../../../rpc/session/views.ts';
import { artifactView, type ArtifactView } from '../../../../protocol/api/files/artifact.ts';

export interface StoredArtifact {
  readonly view: ArtifactView;
  /** The name of the storage that holds its bytes. */
  readonly storage: string;
}

/** A session's artifacts. Writes belong in the caller's transaction. */
export class ArtifactTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS artifacts (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, storage TEXT NOT NULL, view TEXT NOT NULL)`);
  }

  add({ view, storage }: StoredArtifact): void {
    this.#sql.exec(
      'INSERT INTO artifacts (id, storage, view) VALUES (?, ?, ?)',
      view.artifact_id,
      storage,
      JSON.stringify(view),
    );
  }

  get(id: string): StoredArtifact | null {
    const rows = this.#sql.exec<{ storage: string; view: string }>(
      'SELECT storage, view FROM artifacts WHERE id = ?',
      id,
    );
    const row = [...rows][0];
    return row === undefined ? null : { storage: row.storage, view: viewOf(row.view) };
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM artifacts').one().count;
  }

  /** Artifacts after `cursor`, the oldest first. */
  page(cursor: number, limit: number): ArtifactPage {
    const rows = [
      ...this.#sql.exec<{ number: number; view: string }>(
        'SELECT number, view FROM artifacts WHERE number > ? ORDER BY number LIMIT ?',
        cursor,
        limit + 1,
      ),
    ];
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? String(last.number) : null;
    return { data: data.map(({ view }) => viewOf(view)), next_cursor };
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM artifacts WHERE id = ?', id);
  }
}

const viewOf = (json: string) => artifactView.parse(JSON.parse(json));
