import type { Cli } from '../lib/cli.ts';

/** Ends what a full-screen program may have left: the other screen, mouse reports, bracketed paste, a hidden cursor, colours. */
const RESET =
  '\u001B[?1049l\u001B[?1000l\u001B[?1002l\u001B[?1003l\u001B[?1006l\u001B[?2004l\u001B[?1l\u001B[?25h\u001B[0m';

/**
 * Has each key come as it is pressed, also Ctrl-C. @returns gives the terminal back, as it was; that happens by itself when the command
 * ends, in whatever way it can notice
 */
export function enterRawMode({ stdin, stdout }: Pick<Cli, 'stdin' | 'stdout'>): (options?: { reset: boolean }) => void {
  let isRaw = true;
  const restore = ({ reset } = { reset: true }) => {
    if (!isRaw) return;
    isRaw = false;
    stdin.setRawMode(false);
    if (reset) stdout.write(RESET);
    process.off('exit', onExit);
  };
  const onExit = () => restore();
  process.on('exit', onExit);
  stdin.setRawMode(true);
  return restore;
}
