import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { WORD_MS, wordPreview } from '../../lib/word-preview.ts';

/**
 * `words.ts CLAUDE ARGUMENTS…` runs `claude`, and from its first result on writes a preview of one word each 30 milliseconds: what
 * passes on its way is then measured without what `claude` needs to say it.
 */
const [claude, ...args] = process.argv.slice(2);
if (claude === undefined) throw new Error('usage: words.ts CLAUDE ARGUMENTS…');

const child = spawn(claude, args, { stdio: ['inherit', 'pipe', 'inherit'] });
let timer: NodeJS.Timeout | undefined;
createInterface({ input: child.stdout }).on('line', (line) => {
  process.stdout.write(`${line}\n`);
  if (!line.includes('"type":"result"') || timer !== undefined) return;
  const session_id: unknown = JSON.parse(line).session_id;
  let n = 0;
  timer = setInterval(() => {
    process.stdout.write(`${wordPreview(session_id, n++)}\n`);
  }, WORD_MS);
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => process.exit(code ?? 1));
