import { bytes } from './quantities.ts';

/** Milliseconds between two updates of the line. */
const EVERY_MS = 100;

/** How far a transfer is. Only a terminal shows it, on a line of its own that goes away. */
export interface Progress {
  update(done: number): void;
  end(): void;
}

/** @param total bytes; null: nobody knows */
export function showProgress(stream: NodeJS.WriteStream, what: string, total: number | null): Progress {
  if (!stream.isTTY) return { update: () => {}, end: () => {} };
  let shownAt = 0;
  return {
    update: (done) => {
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      const part = total === null || total === 0 ? '' : ` of ${bytes(total)} (${Math.floor((100 * done) / total)} %)`;
      stream.write(`\r\u001B[K${what}: ${bytes(done)}${part}`.slice(0, stream.columns + 4));
    },
    end: () => {
      if (shownAt > 0) stream.write('\r\u001B[K');
    },
  };
}
