import type { Prompt } from '../../../protocol/content/blocks.ts';
import { splitText } from '../../shared/text/split-text.ts';

/**
 * A child's first prompt, as JSON in parts that fit a row. It is kept until the child has it, because the call that creates it
 * may have to be repeated.
 */
export class PromptTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS begun_content (
      id TEXT NOT NULL, part INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (id, part)) WITHOUT ROWID`);
  }

  add(id: string, prompt: Prompt): void {
    for (const [part, json] of splitText(JSON.stringify(prompt)).entries()) {
      this.#sql.exec('INSERT INTO begun_content (id, part, json) VALUES (?, ?, ?)', id, part, json);
    }
  }

  /** Null: the child has it, or version 0.1 stored it as text. */
  get(id: string): Prompt | null {
    const rows = this.#sql.exec<{ json: string }>('SELECT json FROM begun_content WHERE id = ? ORDER BY part', id);
    const json = [...rows].map((row) => row.json).join('');
    return json === '' ? null : (JSON.parse(json) as Prompt);
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM begun_content WHERE id = ?', id);
  }
}
