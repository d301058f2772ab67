import { NOTHING_PRINTED, printEvent, type Shown } from './print-stream.ts';
import type { Piece } from './notes.ts';
import type { Terminal } from './terminal.ts';

const STYLES = {
  prompt: 'bold',
  text: undefined,
  tool: 'cyan',
  output: 'dim',
  note: 'dim',
  ask: 'yellow',
  done: 'green',
  error: 'red',
} as const satisfies Record<Piece['kind'], string | undefined>;

/** Prints a session's stream for people: each word once, as it comes. */
export class StreamPrinter {
  readonly #terminal: Terminal;
  readonly #leftOut: readonly string[];
  #printed = NOTHING_PRINTED;

  /** @param leftOut types of events that are not shown */
  constructor(terminal: Terminal, leftOut: readonly string[] = []) {
    this.#terminal = terminal;
    this.#leftOut = leftOut;
  }

  show(event: Shown): void {
    if (this.#leftOut.includes(event.type)) return;
    const { printed, pieces } = printEvent(this.#printed, event);
    this.#printed = printed;
    for (const { kind, text } of pieces) {
      const format = STYLES[kind];
      const body = text.replace(/\n$/, '');
      this.#terminal.write(format === undefined ? text : this.#terminal.style(format, body) + text.slice(body.length));
    }
  }

  /** Ends the line that is begun, if any. */
  endLine(): void {
    if (this.#printed.midLine) this.#terminal.write('\n');
    this.#printed = { ...this.#printed, midLine: false, preview: undefined };
  }
}
