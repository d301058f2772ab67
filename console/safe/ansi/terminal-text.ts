import { type Style, styled } from './style.ts';

/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/**
 * One control sequence: CSI (ECMA-48, 5.4), strings that end (OSC, DCS, SOS, PM, APC; of one that does not end only the beginning,
 * so that it hides nothing), and short escapes. In both forms: with ESC, and as one character (C1).
 */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  /(?:\u001b\[|\u009b)([0-?]{0,500})[ -/]{0,20}([@-~]?)|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]{0,100000}(?:\u0007|\u001b\\|\u009c)|[\u0080-\u009f]|\u001b[ -/]{0,10}[0-~]?|\r\n|[\n\r\u0008\u0007]/g;

/**
 * A terminal's output as the lines that it leaves: colours, and what overwrites a line (`\r`, backspace) as a terminal does it, which is
 * how progress is drawn. Nothing else of it has an effect: cursor, screen, title, links, bell, queries.
 */
export function linesOf(output: string): readonly (readonly Span[])[] {
  const lines: (readonly Span[])[] = [];
  let line = new Line();
  let style: Style = {};
  let from = 0;
  for (const match of output.matchAll(SEQUENCE)) {
    const [sequence, parameters = '', final = ''] = match;
    line.write(output.slice(from, match.index), style);
    from = match.index + sequence.length;
    if (sequence === '\n' || sequence === '\r\n') {
      lines.push(line.spans());
      line = new Line();
    } else if (sequence === '\r') line.toStart();
    else if (sequence === '\b') line.back();
    else if (final === 'm' && !/[<-?]/.test(parameters)) style = styled(style, parameters);
    else if (final === 'K') line.erase(parameters);
  }
  line.write(output.slice(from), style);
  const last = line.spans();
  // An output's last line break ends its last line.
  return last.length === 0 ? lines : [...lines, last];
}

/** A line that is being written. It is cells only once something in it is overwritten. */
class Line {
  private written: Span[] = [];
  private cells: (Span | undefined)[] | null = null;
  private at = 0;

  write(text: string, style: Style): void {
    if (text === '') return;
    if (this.cells === null) {
      this.written.push({ text, style });
      return;
    }
    for (const cell of cellsOf(text)) this.cells[this.at++] = { text: cell, style };
  }

  toStart(): void {
    this.asCells();
    this.at = 0;
  }

  back(): void {
    this.asCells();
    this.at = Math.max(0, this.at - 1);
  }

  /** EL: from here to the end (0), or all (2). */
  erase(parameters: string): void {
    if (parameters === '2') this.asCells().length = 0;
    else if (this.cells !== null && /^0?$/.test(parameters)) this.cells.length = Math.min(this.cells.length, this.at);
  }

  spans(): readonly Span[] {
    // What was passed over is empty.
    return joined(this.cells === null ? this.written : Array.from(this.cells, (cell) => cell ?? BLANK));
  }

  private asCells(): (Span | undefined)[] {
    if (this.cells !== null) return this.cells;
    const cells: (Span | undefined)[] = [];
    for (const { text, style } of this.written) for (const cell of cellsOf(text)) cells.push({ text: cell, style });
    this.at = cells.length;
    this.cells = cells;
    return cells;
  }
}

const BLANK: Span = { text: ' ', style: {} };

/** What takes one place in a line, marks with their letter. */
function cellsOf(text: string): readonly string[] {
  return text.match(/[^\p{M}]\p{M}{0,8}|\p{M}/gsu) ?? [];
}

/** Neighbours of one style as one. */
function joined(spans: readonly Span[]): readonly Span[] {
  const result: { text: string; style: Style }[] = [];
  for (const { text, style } of spans) {
    const last = result.at(-1);
    if (last !== undefined && last.style === style) last.text += text;
    else result.push({ text, style });
  }
  return result;
}
