import { shorten } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Lines on a terminal that are replaced by newer ones, where they stand. */
export class LiveTable {
  readonly #out: Terminal;
  readonly #stream: Pick<NodeJS.WriteStream, 'rows' | 'columns'>;
  #shown = 0;
  #text = '';

  constructor(out: Terminal, stream: Pick<NodeJS.WriteStream, 'rows' | 'columns'>) {
    this.#out = out;
    this.#stream = stream;
  }

  /** @param lines none is wider than the terminal. Those that it has no rows for are counted in the last one */
  show(lines: readonly string[]): void {
    const { rows, columns } = this.#stream;
    const room = Math.max(2, rows - 1);
    const more = `… and ${lines.length - room + 1} more`;
    const fitting = lines.length <= room ? lines : [...lines.slice(0, room - 1), shorten(more, columns)];
    const text = fitting.map((line) => `${line}\u001B[K\n`).join('');
    if (text === this.#text) return;
    this.#text = text;
    // Up to the first line. What is below the last one goes; but never the whole screen at once, which tmux would keep in its history.
    const back = this.#shown === 0 ? '' : `\u001B[${this.#shown}A\r`;
    this.#out.write(`${back}${text}${fitting.length < this.#shown ? '\u001B[J' : ''}`);
    this.#shown = fitting.length;
  }
}
