import { appendFileSync } from 'node:fs';

/**
 * Preloaded into each part, whose one argument is its log: when `start` dies, nobody reads the part's output any more. The part
 * then still has to end in order, so what it says meanwhile goes to its log at once.
 */
const [, , log = ''] = process.argv;

function append(text: string | Uint8Array): boolean {
  try {
    appendFileSync(log, text, { mode: 0o600 });
  } catch {
    // There is nowhere left to say so.
  }
  return true;
}

for (const output of [process.stdout, process.stderr]) {
  // Without this, a write to the broken pipe would end the process.
  output.on('error', () => {});
  process.once('disconnect', () => Object.assign(output, { write: append }));
}
