import type { Account } from './core/budget.ts';

/** A session's place in its tree. */
export interface TreeRow extends Account {
  readonly root: string;
  /** 0: the tree's first session. */
  readonly depth: number;
  /** It is being deleted with all below it: it has no more children. */
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

/** What a session is to be told of its leave. */
export interface DueNews {
  readonly id: string;
  /** Counts what it was told. */
  readonly version: number;
}

const BELOW = `WITH RECURSIVE below (id, depth) AS (
  SELECT id, depth FROM tree WHERE parent = ?1 UNION ALL SELECT t.id, t.depth FROM tree t JOIN below b ON t.parent = b.id)`;

/** One owner's sessions as trees: who began whom, and what they cost. Changes belong inside the caller's turn. */
export class TreeTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // `gone`: what deleted descendants have cost. `verdict`: what the session was last told, or is to be (`due`).
    sql.exec(`CREATE TABLE IF NOT EXISTS tree (
      id TEXT PRIMARY KEY, parent TEXT, root TEXT NOT NULL, depth INTEGER NOT NULL, budget REAL, cost REAL NOT NULL DEFAULT 0,
      gone REAL NOT NULL DEFAULT 0, turn TEXT NOT NULL DEFAULT 'none', granted INTEGER NOT NULL DEFAULT 0, closed INTEGER NOT NULL DEFAULT 0,
      verdict TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS tree_by_parent ON tree (parent)');
    sql.exec('CREATE INDEX IF NOT EXISTS tree_by_root ON tree (root)');
    sql.exec('CREATE INDEX IF NOT EXISTS tree_due ON tree (due) WHERE due = 1');
    // The dearest call of the model's that a tree has seen, USD.
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

  /** Those below a session, the deepest first. */
  below(id: string): string[] {
    const rows = this.#sql.exec<{ id: string }>(`${BELOW} SELECT id FROM below ORDER BY depth DESC, id`, id);
    return [...rows].map((row) => row.id);
  }

  close(id: string): void {
    this.#sql.exec(`${BELOW} UPDATE tree SET closed = 1 WHERE id = ?1 OR id IN (SELECT id FROM below)`, id);
  }

  countChildren(id: string): number {
    return this.#count('SELECT count(*) AS n FROM tree WHERE parent = ?', id);
  }

  countTree(root: string): number {
    return this.#count('SELECT count(*) AS n FROM tree WHERE root = ?', root);
  }

  /** What a session has cost so far, which never goes back; by how much that is more than before. */
  spend(id: string, cost: number): number {
    const [row] = [...this.#sql.exec<{ cost: number }>('SELECT cost FROM tree WHERE id = ?', id)];
    if (row === undefined || cost <= row.cost) return 0;
    this.#sql.exec('UPDATE tree SET cost = ? WHERE id = ?', cost, id);
    return cost - row.cost;
  }

  setTurn(id: string, turn: Account['turn']): void {
    // Leave is for one turn: who wants another asks again.
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

  dearest(root: string): number {
    const rows = this.#sql.exec<{ dearest: number }>('SELECT dearest FROM tree_calls WHERE root = ?', root);
    return [...rows][0]?.dearest ?? 0;
  }

  sawCall(root: string, cost: number): void {
    this.#sql.exec(
      'INSERT INTO tree_calls (root, dearest) VALUES (?, ?) ON CONFLICT (root) DO UPDATE SET dearest = max(dearest, excluded.dearest)',
      root,
      cost,
    );
  }

  /** A session is to be told `verdict`, unless that was the last that it was; its version then. */
  tell(id: string, verdict: string): number {
    this.#sql.exec(
      'UPDATE tree SET verdict = ?1, version = version + 1, due = 1 WHERE id = ?2 AND verdict <> ?1',
      verdict,
      id,
    );
    return this.#sql.exec<{ version: number }>('SELECT version FROM tree WHERE id = ?', id).one().version;
  }

  told(id: string, version: number): void {
    this.#sql.exec('UPDATE tree SET due = 0 WHERE id = ? AND version = ?', id, version);
  }

  due(): DueNews[] {
    return [...this.#sql.exec<{ id: string; version: number }>('SELECT id, version FROM tree WHERE due = 1')];
  }

  /** What a deleted session has cost stays with the one above it. */
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
