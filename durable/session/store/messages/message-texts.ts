import type * as z from 'zod';
import { ownEvents } from '../../../../protocol/api/session/own-events.ts';
import { isWhole, type ContentBlock, type Prompt, type ShownBlock } from '../../../../protocol/content/blocks.ts';
import { blocksOf, promptText, shownBlocks } from '../../../../protocol/content/prompt.ts';
import type { EventLog } from '../tables/event-log.ts';
import { ContentTable } from './content-table.ts';

/** A longer text is not stored with its message: the event that says it has it. UTF-16 units. */
const LONGEST = 8 * 1024;

const queuedData = ownEvents['message.queued'];

/** Where a message has its text. */
export interface TextPlace {
  /** The text; empty: see `text_seq`, or it is forgotten. */
  readonly prompt: string;
  /** `seq` of the event `message.queued` that has it; null: none has to be asked. */
  readonly text_seq: number | null;
}

/**
 * What messages say. A long text is stored once: as long as the log has the event `message.queued` of a message, it has its text,
 * and its blocks but for what is only data. So a prompt of 1 MB is written to the disk once.
 */
export class MessageTexts {
  readonly #log: EventLog;
  readonly #content: ContentTable;

  constructor(sql: SqlStorage, log: EventLog) {
    this.#log = log;
    this.#content = new ContentTable(sql);
  }

  /** Creates its table if it does not exist. */
  create(): void {
    this.#content.create();
  }

  /**
   * Stores what the event does not have.
   *
   * @param queued `seq` of the event `message.queued`, which is stored in the same transaction
   */
  add(id: string, prompt: Prompt, queued: number): TextPlace {
    const text = promptText(prompt);
    const isLong = text.length > LONGEST;
    const blocks = blocksOf(prompt);
    if (blocks !== undefined) {
      if (!isLong || !blocks.every(isWhole)) this.#content.addData(id, blocks);
      if (!isLong) this.#content.addShown(id, shownBlocks(blocks));
    }
    return isLong ? { prompt: '', text_seq: queued } : { prompt: text, text_seq: null };
  }

  /** What people see of it. */
  shown(id: string, { prompt, text_seq }: TextPlace): { prompt: string; content: ShownBlock[] | null } {
    if (text_seq === null) return { prompt, content: this.#content.shown(id) };
    const said = this.#said(text_seq);
    return { prompt: said?.prompt ?? '', content: said?.content ?? null };
  }

  /** What the container gets of it. */
  whole(id: string, { prompt, text_seq }: TextPlace): { prompt: string; content?: ContentBlock[] } {
    const said = text_seq === null ? null : this.#said(text_seq);
    const content = this.#content.data(id) ?? said?.content?.filter(isWhole);
    return { prompt: said?.prompt ?? prompt, ...(content && { content }) };
  }

  /** The message has ended: nothing will hand it over any more. */
  ended(id: string): void {
    this.#content.dropData(id);
  }

  /** Nobody is shown the message's text any more. */
  forget(id: string): void {
    this.#content.drop(id);
  }

  /**
   * A message gets what its event says of it, which is about to be pruned.
   *
   * @param isOpen it may still be handed over
   * @returns its text
   */
  keep(id: string, queued: number, isOpen: boolean): string {
    const said = this.#said(queued);
    if (said?.content !== undefined) {
      this.#content.addShown(id, said.content);
      if (isOpen && said.content.every(isWhole)) this.#content.addData(id, said.content);
    }
    return said?.prompt ?? '';
  }

  /** What an event `message.queued` says; null: it is pruned. */
  #said(seq: number): z.infer<typeof queuedData> | null {
    const event = this.#log.at(seq);
    return event === null ? null : queuedData.parse(JSON.parse(event.json));
  }
}
