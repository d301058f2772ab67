import * as z from 'zod';
import { contentBlock, shownBlock, type ContentBlock, type ShownBlock } from '../../../../protocol/content/blocks.ts';
import { splitText } from '../../../shared/text/split-text.ts';

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

  addData(id: string, blocks: readonly ContentBlock[]): void {
    this.#insert(id, 'data', JSON.stringify(blocks));
  }

  addShown(id: string, blocks: readonly ShownBlock[]): void {
    this.#insert(id, 'shown', JSON.stringify(blocks));
  }

  /** The blocks to hand over; null: there are none here. */
  data(id: string): ContentBlock[] | null {
    const json = this.#read(id, 'data');
    return json === null ? null : whole.parse(JSON.parse(json));
  }

  /** The blocks for people; null: there are none here. */
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

  #insert(id: string, kind: Kind, blocks: string): void {
    for (const [part, json] of splitText(blocks).entries()) {
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
