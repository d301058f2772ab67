import type { InteractionState, InteractionSubject } from '../protocol/interaction.ts';
import type { Interaction } from './core/interactions.ts';

interface Row extends Record<string, SqlStorageValue> {
  json: string;
  subject: string;
}

const SELECT = 'SELECT i.json, s.json AS subject FROM interactions i JOIN interaction_subjects s USING (number)';

/** What people are and were asked in one session. Changes belong inside the caller's transaction. */
export class InteractionTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // The container gives the ids, and people may write them in other letters.
    sql.exec(`CREATE TABLE IF NOT EXISTS interactions (
      number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE COLLATE NOCASE, seq INTEGER NOT NULL, state TEXT NOT NULL, deadline INTEGER NOT NULL,
      detached INTEGER NOT NULL, answer TEXT NOT NULL, json TEXT NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS interactions_by_state ON interactions (state, deadline)');
    sql.exec("CREATE INDEX IF NOT EXISTS interactions_owed ON interactions (number) WHERE answer = 'owed'");
    // Apart: together with a long answer it may be more than a row holds.
    sql.exec('CREATE TABLE IF NOT EXISTS interaction_subjects (number INTEGER PRIMARY KEY, json TEXT NOT NULL)');
  }

  /** @param seq of its `interaction.opened` */
  add({ subject, ...rest }: Interaction, seq: number): void {
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO interactions (id, seq, state, deadline, detached, answer, json) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number`,
        rest.interaction_id,
        seq,
        rest.state,
        rest.deadline,
        rest.detached ? 1 : 0,
        rest.answer,
        JSON.stringify(rest),
      )
      .one();
    this.#sql.exec('INSERT INTO interaction_subjects (number, json) VALUES (?, ?)', number, JSON.stringify(subject));
  }

  /** Stores what has changed of an interaction; what is asked never does. */
  save(interaction: Interaction): void {
    const { subject: _subject, ...rest } = interaction;
    this.#sql.exec(
      'UPDATE interactions SET state = ?, detached = ?, answer = ?, json = ? WHERE id = ?',
      rest.state,
      rest.detached ? 1 : 0,
      rest.answer,
      JSON.stringify(rest),
      rest.interaction_id,
    );
  }

  get(id: string): Interaction | null {
    return this.#read(`${SELECT} WHERE i.id = ?`, id)[0] ?? null;
  }

  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM interactions WHERE id = ?', id).toArray().length > 0;
  }

  /** `seq` of each open one's `interaction.opened`, the oldest first. */
  openedAt(): number[] {
    const rows = this.#sql.exec<{ seq: number }>("SELECT seq FROM interactions WHERE state = 'open' ORDER BY seq");
    return [...rows].map(({ seq }) => seq);
  }

  /** Those for which `claude` waits. */
  attached(): Interaction[] {
    return this.#read(`${SELECT} WHERE i.state = 'open' AND i.detached = 0 ORDER BY i.number`);
  }

  /** Those whose deadline has passed by `now`, in the order in which they passed. */
  due(now: number): Interaction[] {
    return this.#read(`${SELECT} WHERE i.state = 'open' AND i.deadline <= ? ORDER BY i.deadline, i.number`, now);
  }

  /** Those whose answer a message is to have. */
  owed(): Interaction[] {
    return this.#read(`${SELECT} WHERE i.answer = 'owed' ORDER BY i.number`);
  }

  /** Whether any is open that `claude` waits for. */
  isAsking(): boolean {
    const rows = this.#sql.exec("SELECT 1 FROM interactions WHERE state = 'open' AND detached = 0 LIMIT 1");
    return rows.toArray().length > 0;
  }

  countOpen(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM interactions WHERE state = 'open'").one().n;
  }

  /** When the next deadline passes, epoch milliseconds; null: none is open. */
  nextDeadline(): number | null {
    const rows = this.#sql.exec<{ at: number | null }>(
      "SELECT min(deadline) AS at FROM interactions WHERE state = 'open'",
    );
    return rows.one().at;
  }

  /** The oldest first, those after `cursor`. */
  page(
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): { readonly data: Interaction[]; readonly next_cursor: string | null } {
    const all = this.#read(
      `${SELECT} WHERE (?1 IS NULL OR i.state = ?1)
        AND (?2 IS NULL OR i.number > (SELECT number FROM interactions WHERE id = ?2)) ORDER BY i.number LIMIT ?3`,
      state ?? null,
      cursor ?? null,
      limit + 1,
    );
    const data = all.slice(0, limit);
    return { data, next_cursor: all.length > limit ? (data.at(-1)?.interaction_id ?? null) : null };
  }

  #read(query: string, ...values: SqlStorageValue[]): Interaction[] {
    return [...this.#sql.exec<Row>(query, ...values)].map(({ json, subject }) => ({
      ...(JSON.parse(json) as Omit<Interaction, 'subject'>),
      subject: JSON.parse(subject) as InteractionSubject,
    }));
  }
}
