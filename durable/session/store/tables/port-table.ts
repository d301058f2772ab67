/** A port that is shared. */
export interface PortShare {
  readonly port: number;
  /** What is there, for people; null: nobody said. */
  readonly label: string | null;
  /** The random bytes in the name of its host. */
  readonly secret: Uint8Array;
  /** Epoch milliseconds, both. */
  readonly created: number;
  readonly expires: number;
}

/** A port that something in the container listens on, by its container's own word. */
export interface ListeningPort {
  readonly port: number;
  readonly process: string | null;
}

interface Row extends Record<string, SqlStorageValue> {
  port: number;
  label: string | null;
  secret: ArrayBuffer;
  created: number;
  expires: number;
}

/** The ports of a session: those that are shared, and those that its container listens on. Writes belong in the caller's transaction. */
export class PortTable {
  readonly #sql: SqlStorage;
  /** Every change of a session asks when the next share ends, and few sessions have any. */
  #isKnownEmpty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS shared_ports (
      port INTEGER PRIMARY KEY, label TEXT, secret BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL)`);
    this.#sql.exec('CREATE TABLE IF NOT EXISTS listening_ports (port INTEGER PRIMARY KEY, process TEXT)');
  }

  /** Adds a share, or replaces that of the same port. */
  put({ port, label, secret, created, expires }: PortShare): void {
    this.#isKnownEmpty = false;
    this.#sql.exec(
      'INSERT OR REPLACE INTO shared_ports (port, label, secret, created, expires) VALUES (?, ?, ?, ?, ?)',
      port,
      label,
      secret,
      created,
      expires,
    );
  }

  /** The share of a port; null: it is not shared, or is no longer at `now`. */
  get(port: number, now: number): PortShare | null {
    const [row] = this.#sql.exec<Row>('SELECT * FROM shared_ports WHERE port = ? AND expires > ?', port, now);
    return row === undefined ? null : shareOf(row);
  }

  /** Those that are shared at `now`, by port. */
  all(now: number): PortShare[] {
    return [...this.#sql.exec<Row>('SELECT * FROM shared_ports WHERE expires > ? ORDER BY port', now)].map(shareOf);
  }

  remove(port: number): void {
    this.#sql.exec('DELETE FROM shared_ports WHERE port = ?', port);
  }

  /** Those whose time is over at `now`. */
  expired(now: number): number[] {
    if (this.#isEmpty()) return [];
    const query = 'SELECT port FROM shared_ports WHERE expires <= ? ORDER BY port';
    return [...this.#sql.exec<{ port: number }>(query, now)].map(({ port }) => port);
  }

  /** When the next share ends, epoch milliseconds; null: there is none. */
  nextExpiry(): number | null {
    if (this.#isEmpty()) return null;
    return this.#sql.exec<{ at: number | null }>('SELECT min(expires) AS at FROM shared_ports').one().at;
  }

  /** What listens in the container, by port. */
  listening(): ListeningPort[] {
    return [...this.#sql.exec<{ port: number; process: string | null }>('SELECT * FROM listening_ports ORDER BY port')];
  }

  isListening(port: number): boolean {
    return this.#sql.exec('SELECT 1 FROM listening_ports WHERE port = ?', port).toArray().length > 0;
  }

  opened({ port, process }: ListeningPort): void {
    this.#sql.exec('INSERT OR REPLACE INTO listening_ports (port, process) VALUES (?, ?)', port, process);
  }

  closed(port: number): void {
    this.#sql.exec('DELETE FROM listening_ports WHERE port = ?', port);
  }

  /** The container is gone. */
  allClosed(): void {
    this.#sql.exec('DELETE FROM listening_ports');
  }

  #isEmpty(): boolean {
    this.#isKnownEmpty ||= this.#sql.exec('SELECT 1 FROM shared_ports LIMIT 1').toArray().length === 0;
    return this.#isKnownEmpty;
  }
}

const shareOf = ({ secret, ...row }: Row): PortShare => ({ ...row, secret: new Uint8Array(secret) });
