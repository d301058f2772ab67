import { clearScreenDown, createInterface, cursorTo, moveCursor, type Interface } from 'node:readline';
import stringWidth from 'string-width';
import type { Terminal } from '../output/terminal.ts';

export interface InputHandlers {
  readonly onLine: (text: string) => void;
  /** Whether what was typed appears again by itself, so that it need not stay where it was typed. */
  readonly repeats: (text: string) => boolean;
  /** Ctrl-C, Ctrl-D, or the terminal is gone. */
  readonly onEnd: () => void;
  readonly onEscape?: () => void;
}

/**
 * A line at the bottom of the terminal in which a person types, while what a session says appears above it. Text without an end of
 * line is kept until it fills a line of the terminal or ends, because what is above the input cannot be continued.
 */
export class InputLine {
  readonly #out: NodeJS.WriteStream;
  readonly #readline: Interface;
  #label = '';
  #partial = '';
  #isClosed = false;
  /** Styles that the text has, for what `write` gets. */
  readonly terminal: Terminal;

  constructor(input: NodeJS.ReadStream, out: NodeJS.WriteStream, style: Terminal['style'], handlers: InputHandlers) {
    this.#out = out;
    this.#readline = createInterface({ input, output: out, terminal: true, prompt: '' });
    this.#readline.on('line', (text) => {
      if (handlers.repeats(text)) this.#clearTyped(text);
      handlers.onLine(text);
    });
    this.#readline.on('SIGINT', () => handlers.onEnd());
    this.#readline.on('close', () => {
      if (!this.#isClosed) handlers.onEnd();
    });
    // Of readline's own stream of keys: Escape alone.
    input.on(
      'keypress',
      (_text: string | undefined, key: { readonly name?: string; readonly meta?: boolean } | undefined) => {
        if (!this.#isClosed && key?.name === 'escape') handlers.onEscape?.();
      },
    );
    this.terminal = {
      write: (text) => this.write(text),
      line: (text, format) => this.write(`${format === undefined ? text : style(format, text)}\n`),
      style,
    };
  }

  /** What stands before the input. */
  setLabel(label: string): void {
    if (this.#isClosed || label === this.#label) return;
    this.#label = label;
    this.#above('');
  }

  write(text: string): void {
    if (this.#isClosed) {
      this.#out.write(text);
      return;
    }
    const { whole, rest } = wholeLines(this.#partial + text, this.#out.columns);
    this.#partial = rest;
    if (whole !== '') this.#above(whole);
  }

  /** Gives the terminal back. What was typed and not sent is gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#clear();
    this.#readline.close();
    if (this.#partial !== '') this.#out.write(`${this.#partial}\n`);
    this.#partial = '';
  }

  #above(text: string): void {
    this.#clear();
    this.#out.write(text);
    this.#readline.setPrompt(this.#label);
    this.#readline.prompt(true);
  }

  /** Clears what was typed and sent: the cursor is below it. */
  #clearTyped(text: string): void {
    const rows = Math.max(1, Math.ceil(stringWidth(this.#label + text) / this.#out.columns));
    moveCursor(this.#out, 0, -rows);
    cursorTo(this.#out, 0);
    clearScreenDown(this.#out);
  }

  /** Clears the input, which may take several lines of the terminal. */
  #clear(): void {
    const { rows } = this.#readline.getCursorPos();
    moveCursor(this.#out, 0, -rows);
    cursorTo(this.#out, 0);
    clearScreenDown(this.#out);
  }
}

/** The lines of a text that are complete, or fill the terminal; broken at spaces. */
export function wholeLines(text: string, width: number): { whole: string; rest: string } {
  const end = text.lastIndexOf('\n') + 1;
  let whole = text.slice(0, end);
  let rest = text.slice(end);
  while (stringWidth(rest) > width) {
    const at = breakAt(rest, width);
    whole += `${rest.slice(0, at).trimEnd()}\n`;
    rest = rest.slice(at).replace(/^ /, '');
  }
  return { whole, rest };
}

const graphemes = new Intl.Segmenter();

/** Where a line of the terminal ends: after its last word that fits; without one, where it is full. At least one character fits. */
function breakAt(text: string, width: number): number {
  let taken = 0;
  let space = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    taken += stringWidth(segment);
    if (segment === ' ') space = index;
    if (taken > width && index > 0) return space > 0 ? space : index;
  }
  return text.length;
}
