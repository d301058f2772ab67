import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** The output for people. It is styled only on a terminal, and not with NO_COLOR. */
export interface Terminal {
  readonly write: (text: string) => void;
  readonly line: (text: string, format?: Format) => void;
  readonly style: (format: Format, text: string) => string;
}

export function createTerminal(stream: NodeJS.WriteStream): Terminal {
  const style = (format: Format, text: string) => styleText(format, text, { stream });
  return {
    write: (text) => stream.write(text),
    line: (text, format) => stream.write(`${format === undefined ? text : style(format, text)}\n`),
    style,
  };
}

/** Makes text of an agent or a tool safe to print: it removes every character that does more than show itself. */
export function printable(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(/(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu, '');
}
