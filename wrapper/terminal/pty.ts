import { createRequire } from 'node:module';
import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

/** What is used of node-pty's binary: file descriptors of both ends and the path of the inner one; and its size. */
interface Binary {
  open(cols: number, rows: number): { master: number; slave: number; pty: string };
  resize(master: number, cols: number, rows: number): void;
}

/** A pseudo-terminal: what a command writes to `path` is read from `stream`, and the other way round. */
export interface Pty {
  readonly path: string;
  readonly stream: ReadStream;
  resize(cols: number, rows: number): void;
  /** The command has ended: when nobody else has `path` open, `stream` ends after the last byte. */
  release(): void;
}

/**
 * Opens a pseudo-terminal. Of node-pty only the binary is used: its `spawn` drops what is not read 200 ms after the command's end,
 * which a viewer that reads slowly would miss.
 *
 * @throws when the binary is not there, or the system has no more terminals
 */
export function openPty(cols: number, rows: number): Pty {
  const binary = load();
  const { master, slave, pty } = binary.open(cols, rows);
  // In place of the binary's own descriptor, which everything that is started would inherit. While it is open, `stream` does not end.
  const held = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
  closeSync(slave);
  const stream = new ReadStream(master);
  let isHeld = true;
  return {
    path: pty,
    stream,
    resize: (cols, rows) => {
      if (!stream.destroyed) binary.resize(master, cols, rows);
    },
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      closeSync(held);
    },
  };
}

let loaded: Binary | null = null;

/** Loaded only when a terminal is opened: few sessions have one. In the image it lies in a `node_modules` beside the wrapper. */
function load(): Binary {
  const require = createRequire(import.meta.url);
  loaded ??= require(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`) as Binary;
  return loaded;
}
