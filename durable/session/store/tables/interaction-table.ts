import type { InteractionState, InteractionSubject } from '../../../../protocol/api/session/interaction.ts';
import type { Interaction } from '../../../shared/interactions/interaction.ts';
import { nextReminder } from '../../../shared/interactions/reminders.ts';

interface Row extends Record<string, SqlStorageValue> {
  json: string;
  subject: string;
}

/** Defaults for fields that a row stored by an earlier version may lack. */
const LATER: Pick<Interaction, 'answerers' | 'reminders' | 'reminded'> = { answerers: null, reminders: 0, reminded: 0 };

const SELECT = 'SELECT i.json, s.json AS subject FROM interactions i JOIN interaction_subjects s USING (number)';

interface Page {
  readonly state: InteractionState | undefined;
  readonly asked: string | null;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The interactions of one session, open and closed. Writes belong in the caller's transaction. */
export class InteractionTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    // NOCASE: the container chooses the ids, and people may type them in upper or lower case.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS interactions (
      number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE COLLATE NOCASE, seq INTEGER NOT NULL, state TEXT NOT NULL, deadline INTEGER NOT NULL,
      detached INTEGER NOT NULL, answer TEXT NOT NULL, json TEXT NOT NULL)`);
    this.#sql.exec('CREATE INDEX IF NOT EXISTS interactions_by_state ON interactions (state, deadline)');
    this.#sql.exec("CREATE INDEX IF NOT EXISTS interactions_owed ON interactions (number) WHERE answer = 'owed'");
    // One row for each interaction with a reminder to come.
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS interaction_reminders (number INTEGER PRIMARY KEY, at INTEGER NOT NULL)',
    );
    // In a table of its own: a subject and a long answer together may exceed the size limit of a row.
    this.#sql.exec('CREATE TABLE IF NOT EXISTS interaction_subjects (number INTEGER PRIMARY KEY, json TEXT NOT NULL)');
  }

  /** @param seq of its `interaction.opened` event */
  add(interaction: Interaction, seq: number): void {
    const { subject, ...rest } = interaction;
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
    this.#scheduleReminder(interaction);
  }

  /** Stores the changes of an interaction. Its subject never changes. */
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
    this.#scheduleReminder(interaction);
  }

  get(id: string): Interaction | null {
    return this.#read(`${SELECT} WHERE i.id = ?`, id)[0] ?? null;
  }

  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM interactions WHERE id = ?', id).toArray().length > 0;
  }

  /** `seq` of the `interaction.opened` event of each open interaction, the oldest first. */
  openedAt(): number[] {
    const rows = this.#sql.exec<{ seq: number }>("SELECT seq FROM interactions WHERE state = 'open' ORDER BY seq");
    return [...rows].map(({ seq }) => seq);
  }

  /** The open interactions, the oldest first. */
  open(): Interaction[] {
    return this.#read(`${SELECT} WHERE i.state = 'open' ORDER BY i.number`);
  }

  /** The open interactions whose answer `claude` waits for. */
  attached(): Interaction[] {
    return this.#read(`${SELECT} WHERE i.state = 'open' AND i.detached = 0 ORDER BY i.number`);
  }

  /** The open interactions whose deadline has passed by `now`, by deadline. */
  due(now: number): Interaction[] {
    return this.#read(`${SELECT} WHERE i.state = 'open' AND i.deadline <= ? ORDER BY i.deadline, i.number`, now);
  }

  /** The interactions whose reminder is due by `now`, by the time of the reminder. */
  toRemind(now: number): Interaction[] {
    return this.#read(
      `${SELECT} JOIN interaction_reminders r USING (number) WHERE r.at <= ? ORDER BY r.at, i.number`,
      now,
    );
  }

  /** The interactions whose answer still has to be sent to the agent as a message. */
  owed(): Interaction[] {
    return this.#read(`${SELECT} WHERE i.answer = 'owed' ORDER BY i.number`);
  }

  /** Whether `claude` waits for the answer of an open interaction. */
  isAsking(): boolean {
    const rows = this.#sql.exec("SELECT 1 FROM interactions WHERE state = 'open' AND detached = 0 LIMIT 1");
    return rows.toArray().length > 0;
  }

  countOpen(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM interactions WHERE state = 'open'").one().n;
  }

  /** When the next deadline passes, epoch milliseconds; null: no interaction is open. */
  nextDeadline(): number | null {
    const rows = this.#sql.exec<{ at: number | null }>(
      "SELECT min(deadline) AS at FROM interactions WHERE state = 'open'",
    );
    return rows.one().at;
  }

  /** When the next deadline passes or the next reminder is due, epoch milliseconds; null: there is none. */
  nextDue(): number | null {
    const rows = this.#sql.exec<{ at: number | null }>(
      `SELECT min(at) AS at FROM (SELECT deadline AS at FROM interactions WHERE state = 'open'
        UNION ALL SELECT at FROM interaction_reminders)`,
    );
    return rows.one().at;
  }

  /** Interactions after `cursor`, the oldest first. `asked`: only those that this person may answer; null: all. */
  page({ state, asked, limit, cursor }: Page): { readonly data: Interaction[]; readonly next_cursor: string | null } {
    const all = this.#read(
      `${SELECT} WHERE (?1 IS NULL OR i.state = ?1)
        AND (?2 IS NULL OR i.number > (SELECT number FROM interactions WHERE id = ?2))
        AND (?3 IS NULL OR i.json ->> 'answerers' IS NULL OR ?3 IN (SELECT value FROM json_each(i.json, '$.answerers')))
        ORDER BY i.number LIMIT ?4`,
      state ?? null,
      cursor ?? null,
      asked,
      limit + 1,
    );
    const data = all.slice(0, limit);
    return { data, next_cursor: all.length > limit ? (data.at(-1)?.interaction_id ?? null) : null };
  }

  /** Stores the time of the next reminder. Only an open interaction has one. */
  #scheduleReminder(interaction: Interaction): void {
    if (interaction.reminders === 0) return;
    const number = '(SELECT number FROM interactions WHERE id = ?)';
    const { interaction_id: id } = interaction;
    const at = nextReminder(interaction);
    if (at === null) this.#sql.exec(`DELETE FROM interaction_reminders WHERE number = ${number}`, id);
    else this.#sql.exec(`INSERT OR REPLACE INTO interaction_reminders (number, at) VALUES (${number}, ?)`, id, at);
  }

  #read(query: string, ...values: SqlStorageValue[]): Interaction[] {
    return [...this.#sql.exec<Row>(query, ...values)].map(({ json, subject }) => ({
      ...LATER,
      ...(JSON.parse(json) as Omit<Interaction, 'subject'>),
      subject: JSON.parse(subject) as InteractionSubject,
    }));
  }
}
