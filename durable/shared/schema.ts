/** Changes an object's stored state from one version to the next. */
type Migration = (sql: SqlStorage) => void;

/** The versions of one object's stored state. */
export interface Schema {
  /** Whose state it is: for the error. */
  readonly of: string;
  /** A table that the first version had already. Its presence tells old state from none. */
  readonly firstTable: string;
  /** `migrations[0]` takes version 1 to version 2, and so on. Never edit one that a release has: add another. */
  readonly migrations: readonly Migration[];
}

/** State that a newer version of CC-Docker has written. `functions/app.ts` knows it by this word: errors lose their class on the way. */
const STATE_TOO_NEW = 'state_too_new';

const VERSION_TABLE = 'schema_version';

export type SchemaState = 'none' | 'current';

/**
 * Brings stored state to the newest version, in one transaction. Stores nothing for an object that has no state yet.
 *
 * @returns `none` when there is no state
 * @throws when the state is of a newer version than this code knows
 */
export function migrate(storage: DurableObjectStorage, schema: Schema): SchemaState {
  const { sql } = storage;
  const stored = storedVersion(sql, schema);
  if (stored === null) return 'none';
  const newest = newestVersion(schema);
  if (stored > newest) {
    throw new Error(
      `${STATE_TOO_NEW}: This ${schema.of} was stored by a newer version of CC-Docker (state ${stored}; this version reads up to ${newest}). Start that version, or restore a backup.`,
    );
  }
  if (stored < newest) {
    storage.transactionSync(() => {
      for (const step of schema.migrations.slice(stored - 1)) step(sql);
      stampVersion(sql, schema);
    });
  }
  return 'current';
}

/** Notes that the state is of the newest version. For new state, in the transaction that creates it. */
export function stampVersion(sql: SqlStorage, schema: Schema): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS ${VERSION_TABLE} (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)`,
  );
  sql.exec(`INSERT OR REPLACE INTO ${VERSION_TABLE} (id, version) VALUES (1, ?)`, newestVersion(schema));
}

const newestVersion = ({ migrations }: Schema): number => migrations.length + 1;

function storedVersion(sql: SqlStorage, { firstTable }: Schema): number | null {
  const found = sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (?, ?)",
      VERSION_TABLE,
      firstTable,
    )
    .toArray()
    .map(({ name }) => name);
  if (found.includes(VERSION_TABLE)) {
    return sql.exec<{ version: number }>(`SELECT version FROM ${VERSION_TABLE}`).one().version;
  }
  // The first release kept no version.
  return found.includes(firstTable) ? 1 : null;
}
