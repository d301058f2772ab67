import { closeSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Writes files without a pause, each of one letter only at any moment at which nothing is half written. Ends with its parent. */

const [folder = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
const at = (name: string) => path.join(folder, name);

function write(name: string, letter: string, size: number): void {
  const file = openSync(at(name), 'w');
  for (let written = 0; written < size;)
    written += writeSync(file, Buffer.alloc(Math.min(65_536, size - written), letter));
  closeSync(file);
}

/** At each moment the last byte is the first one, or one ahead of it. */
let counted = 0;
function count(): void {
  const file = openSync(at('counted'), 'a+');
  ftruncateSync(file, 5_000_000);
  closeSync(file);
  const counter = openSync(at('counted'), 'r+');
  for (let n = 0; n < 2000; n += 1) {
    counted = (counted + 1) % 256;
    writeSync(counter, Buffer.of(counted), 0, 1, 4_999_999);
    writeSync(counter, Buffer.of(counted), 0, 1, 0);
  }
  closeSync(counter);
}

const letters = 'abcdefghijklmnopqrstuvwxyz';
let round = 0;
function turn(): void {
  const letter = letters[round % letters.length] ?? 'a';
  round += 1;
  write('rewritten', letter, 300_000);
  count();
  write('new', letter, 100_000);
  renameSync(at('new'), at('replaced'));
  const file = openSync(at('appended'), 'a');
  writeSync(file, Buffer.alloc(1000, 'x'));
  if (round % 50 === 0) ftruncateSync(file, 0);
  closeSync(file);
  write('truncated', letter, 200_000);
  const cut = openSync(at('truncated'), 'r+');
  ftruncateSync(cut, round % 200_000);
  closeSync(cut);
  rmSync(at('new'), { force: true });
  if (round === 1) process.send?.('begun');
  // Now and then it rests, as programs do.
  setTimeout(turn, round % 3 === 0 ? 70 : 0);
}
turn();
