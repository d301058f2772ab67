import type { ContentBlock } from '../../../protocol/content/blocks.ts';
import { splitText } from '../../shared/split-text.ts';

/**
 * The blocks of a child's first prompt, as JSON in parts that fit a row. They are kept until the child has them, because the
 * call that creates it may have to be repeated.
 */
export class PromptTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS begun_content (
      id TEXT NOT NULL, part INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (id, part)) WITHOUT ROWID`);
  }

  add(id: string, blocks: readonly ContentBlock[]): void {
    for (const [part, json] of splitText(JSON.stringify(blocks)).entries()) {
      this.#sql.exec('INSERT INTO begun_content (id, part, json) VALUES (?, ?, ?)', id, part, json);
    }
  }

  /** Null: the prompt is text alone, or the child has it. */
  get(id: string): ContentBlock[] | null {
    const rows = this.#sql.exec<{ json: string }>('SELECT json FROM begun_content WHERE id = ? ORDER BY part', id);
    const json = [...rows].map((row) => row.json).join('');
    return json === '' ? null : (JSON.parse(json) as ContentBlock[]);
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM begun_content WHERE id = ?', id);
  }
}
