import * as z from 'zod';
import { contentBlock, shownBlock, type ContentBlock, type ShownBlock } from '../../../../protocol/content/blocks.ts';
import { shownBlocks } from '../../../../protocol/content/prompt.ts';
import { splitText } from '../../../shared/split-text.ts';

/** `data`: the blocks whole, until the message has ended. `shown`: with sizes in place of data, for good. */
type Kind = 'data' | 'shown';

const whole = z.array(contentBlock);
const shown = z.array(shownBlock);

/** The blocks of messages, as JSON. Images and documents are larger than a row may be, so they are stored in parts. */
export class ContentTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS message_content (
      id TEXT NOT NULL, kind TEXT NOT NULL, part INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (id, kind, part))`);
  }

  add(id: string, blocks: readonly ContentBlock[]): void {
    this.#insert(id, 'data', blocks);
    this.#insert(id, 'shown', shownBlocks(blocks));
  }

  /** The blocks to hand over. `none`: the message is text alone. `gone`: it has ended. */
  data(id: string): ContentBlock[] | 'none' | 'gone' {
    const json = this.#read(id, 'data');
    if (json !== null) return whole.parse(JSON.parse(json));
    return this.#read(id, 'shown') === null ? 'none' : 'gone';
  }

  /** The blocks for people; null: the message is text alone. */
  shown(id: string): ShownBlock[] | null {
    const json = this.#read(id, 'shown');
    return json === null ? null : shown.parse(JSON.parse(json));
  }

  /** The message has ended. */
  dropData(id: string): void {
    this.#sql.exec("DELETE FROM message_content WHERE id = ? AND kind = 'data'", id);
  }

  /** Nobody is shown the message's text any more. */
  drop(id: string): void {
    this.#sql.exec('DELETE FROM message_content WHERE id = ?', id);
  }

  #insert(id: string, kind: Kind, blocks: readonly (ContentBlock | ShownBlock)[]): void {
    for (const [part, json] of splitText(JSON.stringify(blocks)).entries()) {
      this.#sql.exec('INSERT INTO message_content (id, kind, part, json) VALUES (?, ?, ?, ?)', id, kind, part, json);
    }
  }

  #read(id: string, kind: Kind): string | null {
    const rows = this.#sql.exec<{ json: string }>(
      'SELECT json FROM message_content WHERE id = ? AND kind = ? ORDER BY part',
      id,
      kind,
    );
    const parts = [...rows].map(({ json }) => json);
    return parts.length === 0 ? null : parts.join('');
  }
}
