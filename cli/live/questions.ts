import type { Interaction, Session } from '../../client/main.ts';
import { CcDockerError } from '../../client/main.ts';
import type { Terminal } from '../output/terminal.ts';
import { questionLabel, questionLines, readAnswer, type Asked } from './answering.ts';

type Given = Extract<ReturnType<typeof readAnswer>, { more: unknown }>['more'];

/** The questions and permissions that a session has open: a person at the terminal answers one after the other. */
export class Questions {
  readonly #session: Session;
  readonly #terminal: Terminal;
  readonly #open: Asked[] = [];
  #given: Given = [];

  constructor(session: Session, terminal: Terminal) {
    this.#session = session;
    this.#terminal = terminal;
  }

  /** What stands before the input while something is asked; undefined: nothing is. */
  get label(): string | undefined {
    const [first] = this.#open;
    return first === undefined ? undefined : questionLabel(first, this.#given);
  }

  /** Takes note of what a stream says. */
  hear(event: { readonly type: string; readonly data: unknown }): void {
    // The client gives events as its types say: what the service sent.
    const data = event.data as { interaction_id: string; subject: Interaction['subject'] };
    if (event.type === 'interaction.opened') this.#add({ interaction_id: data.interaction_id, subject: data.subject });
    else if (event.type === 'interaction.closed') this.#remove(data.interaction_id);
  }

  /** Asks the next one later: in the inbox. */
  skip(): void {
    const [first] = this.#open;
    if (first === undefined) return;
    this.#terminal.line('set aside: `cc-docker inbox` has it', 'dim');
    this.#remove(first.interaction_id);
  }

  /** Takes what a person has typed as the answer to what is asked. */
  async answer(text: string): Promise<void> {
    const [first] = this.#open;
    if (first === undefined) return;
    const read = readAnswer(first, text, this.#given);
    if ('invalid' in read) return this.#terminal.line(read.invalid, 'yellow');
    if ('more' in read) {
      this.#given = read.more;
      return this.#ask();
    }
    try {
      await this.#session.answer(first.interaction_id, read.answer);
      this.#remove(first.interaction_id);
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      this.#terminal.line(`✗ ${error.detail}`, 'red');
      if (error.code === 'interaction_closed' || error.code === 'interaction_not_found')
        this.#remove(first.interaction_id);
      else this.#given = [];
    }
  }

  #add(asked: Asked): void {
    if (this.#open.some(({ interaction_id: id }) => id === asked.interaction_id)) return;
    this.#open.push(asked);
    if (this.#open.length === 1) this.#ask();
  }

  #remove(id: string): void {
    const at = this.#open.findIndex(({ interaction_id }) => interaction_id === id);
    if (at < 0) return;
    this.#open.splice(at, 1);
    if (at > 0) return;
    this.#given = [];
    this.#ask();
  }

  #ask(): void {
    const [first] = this.#open;
    if (first === undefined) return;
    for (const line of questionLines(first, this.#given)) this.#terminal.line(line, 'yellow');
  }
}
