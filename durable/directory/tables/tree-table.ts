import type { Account } from '../core/budget.ts';

/** A session's place in its tree. */
export interface TreeRow extends Account {
  readonly root: string;
  /** 0: the root. */
  readonly depth: number;
  /** It is being deleted with all below it, so it gets no more children. */
  readonly closed: boolean;
}

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  parent: string | null;
  root: string;
  depth: number;
  budget: number | null;
  cost: number;
  gone: number;
  turn: string;
  granted: number;
  closed: number;
}

/** A verdict that its session has not received yet. */
interface UnsentVerdict {
  readonly id: string;
  /** Counts the verdicts on this session. */
  readonly version: number;
}

const DESCENDANTS = `WITH RECURSIVE below (id, depth) AS (
  SELECT id, depth FROM tree WHERE parent = ?1 UNION ALL SELECT t.id, t.depth FROM tree t JOIN below b ON t.parent = b.id)`;

/** One owner's sessions as trees: which session created which, and what each has cost. */
export class TreeTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // `gone`: what deleted descendants have cost. `verdict`: the newest one; `due`: it was not sent yet.
    sql.exec(`CREATE TABLE IF NOT EXISTS tree (
      id TEXT PRIMARY KEY, parent TEXT, root TEXT NOT NULL, depth INTEGER NOT NULL, budget REAL, cost REAL NOT NULL DEFAULT 0,
      gone REAL NOT NULL DEFAULT 0, turn TEXT NOT NULL DEFAULT 'none', granted INTEGER NOT NULL DEFAULT 0, closed INTEGER NOT NULL DEFAULT 0,
      verdict TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS tree_by_parent ON tree (parent)');
    sql.exec('CREATE INDEX IF NOT EXISTS tree_by_root ON tree (root)');
    sql.exec('CREATE INDEX IF NOT EXISTS tree_due ON tree (due) WHERE due = 1');
    // The most expensive model call of a tree so far, USD.
    sql.exec('CREATE TABLE IF NOT EXISTS tree_calls (root TEXT PRIMARY KEY, dearest REAL NOT NULL) WITHOUT ROWID');
  }

  add(id: string, parent: TreeRow | null, budget: number | null): void {
    this.#sql.exec(
      'INSERT INTO tree (id, parent, root, depth, budget) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      id,
      parent?.id ?? null,
      parent?.root ?? id,
      parent === null ? 0 : parent.depth + 1,
      budget,
    );
  }

  get(id: string): TreeRow | null {
    return this.#rows('SELECT * FROM tree WHERE id = ?', id)[0] ?? null;
  }

  /** All sessions of a tree, each before its children. */
  tree(root: string): TreeRow[] {
    return this.#rows('SELECT * FROM tree WHERE root = ? ORDER BY depth, id', root);
  }

  /** The sessions below a session, the deepest first. */
  descendants(id: string): string[] {
    const rows = this.#sql.exec<{ id: string }>(`${DESCENDANTS} SELECT id FROM below ORDER BY depth DESC, id`, id);
    return [...rows].map((row) => row.id);
  }

  close(id: string): void {
    this.#sql.exec(`${DESCENDANTS} UPDATE tree SET closed = 1 WHERE id = ?1 OR id IN (SELECT id FROM below)`, id);
  }

  countChildren(id: string): number {
    return this.#count('SELECT count(*) AS n FROM tree WHERE parent = ?', id);
  }

  countTree(root: string): number {
    return this.#count('SELECT count(*) AS n FROM tree WHERE root = ?', root);
  }

  /** Stores what a session has cost so far; a lower amount is ignored. @returns by how much it grew, USD */
  spend(id: string, cost: number): number {
    const [row] = [...this.#sql.exec<{ cost: number }>('SELECT cost FROM tree WHERE id = ?', id)];
    if (row === undefined || cost <= row.cost) return 0;
    this.#sql.exec('UPDATE tree SET cost = ? WHERE id = ?', cost, id);
    return cost - row.cost;
  }

  setTurn(id: string, turn: Account['turn']): void {
    // A permit is for one turn: the next turn needs another one.
    this.#sql.exec(
      `UPDATE tree SET turn = ?1, granted = CASE WHEN ?1 = 'running' OR (?1 = 'wanted' AND turn = 'wanted') THEN granted ELSE 0 END
        WHERE id = ?2`,
      turn,
      id,
    );
  }

  setGranted(id: string, granted: boolean): void {
    this.#sql.exec('UPDATE tree SET granted = ? WHERE id = ?', granted ? 1 : 0, id);
  }

  setBudget(id: string, budget: number | null): void {
    this.#sql.exec('UPDATE tree SET budget = ? WHERE id = ?', budget, id);
  }

  /** The most expensive model call of a tree so far, USD. */
  dearest(root: string): number {
    const rows = this.#sql.exec<{ dearest: number }>('SELECT dearest FROM tree_calls WHERE root = ?', root);
    return [...rows][0]?.dearest ?? 0;
  }

  recordCall(root: string, cost: number): void {
    this.#sql.exec(
      'INSERT INTO tree_calls (root, dearest) VALUES (?, ?) ON CONFLICT (root) DO UPDATE SET dearest = max(dearest, excluded.dearest)',
      root,
      cost,
    );
  }

  /** Stores a session's verdict and marks it unsent, unless it has that verdict already. @returns the verdict's version */
  setVerdict(id: string, verdict: string): number {
    this.#sql.exec(
      'UPDATE tree SET verdict = ?1, version = version + 1, due = 1 WHERE id = ?2 AND verdict <> ?1',
      verdict,
      id,
    );
    return this.#sql.exec<{ version: number }>('SELECT version FROM tree WHERE id = ?', id).one().version;
  }

  /** The session has received the verdict of that version. */
  setSent(id: string, version: number): void {
    this.#sql.exec('UPDATE tree SET due = 0 WHERE id = ? AND version = ?', id, version);
  }

  unsent(): UnsentVerdict[] {
    return [...this.#sql.exec<{ id: string; version: number }>('SELECT id, version FROM tree WHERE due = 1')];
  }

  /** Removes a deleted session. What it has cost is kept with its parent. */
  remove(id: string): void {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM tree WHERE id = ?', id)];
    if (row === undefined) return;
    if (row.parent === null) this.#sql.exec('DELETE FROM tree_calls WHERE root = ?', row.root);
    else this.#sql.exec('UPDATE tree SET gone = gone + ? WHERE id = ?', row.cost + row.gone, row.parent);
    this.#sql.exec('DELETE FROM tree WHERE id = ?', id);
  }

  #count(query: string, id: string): number {
    return this.#sql.exec<{ n: number }>(query, id).one().n;
  }

  #rows(query: string, value: string): TreeRow[] {
    return [...this.#sql.exec<Row>(query, value)].map(
      ({ id, parent, root, depth, budget, cost, gone, turn, granted, closed }) => ({
        id,
        parent,
        root,
        depth,
        budget,
        cost: cost + gone,
        turn: turn === 'wanted' || turn === 'running' ? turn : 'none',
        granted: granted === 1,
        closed: closed === 1,
      }),
    );
  }
}
