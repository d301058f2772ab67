import type { Terminal } from '@xterm/xterm';

/**
 * Lets xterm answer what the output asks (where the cursor is, what kind of terminal this is, which colours it has) only while
 * `mayAnswer()`: the answer is typed into the terminal, and output that is shown a second time asks again.
 *
 * All answers are of a fixed form. What would let a program choose what is typed, such as a report of the title, is off in xterm
 * (`windowOptions`).
 */
export function answerOnly(terminal: Terminal, mayAnswer: () => boolean): void {
  const { parser } = terminal;
  const isDropped = () => !mayAnswer();
  for (const prefix of [undefined, '>', '=']) parser.registerCsiHandler({ ...prefixed(prefix), final: 'c' }, isDropped);
  for (const prefix of [undefined, '?']) {
    parser.registerCsiHandler({ ...prefixed(prefix), final: 'n' }, isDropped);
    parser.registerCsiHandler({ ...prefixed(prefix), intermediates: '$', final: 'p' }, isDropped);
  }
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, isDropped);
  for (const color of COLORS) parser.registerOscHandler(color, (data) => isDropped() && data.includes('?'));
}

const prefixed = (prefix: string | undefined) => (prefix === undefined ? {} : { prefix });
/** OSC codes that set colours, or ask for them. */
const COLORS = [4, 10, 11, 12];
