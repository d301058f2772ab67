import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * `flood.ts CLAUDE ARGUMENTS…` runs `claude`, and from its first result on writes lines of its own as fast as they are read:
 * a container that says as much as it can.
 */
const [claude, ...args] = process.argv.slice(2);
if (claude === undefined) throw new Error('usage: flood.ts CLAUDE ARGUMENTS…');

/** Lines that are written together. */
const TOGETHER = 100;
const text = 'x'.repeat(500);

const child = spawn(claude, args, { stdio: ['inherit', 'pipe', 'inherit'] });
let isFlooding = false;
createInterface({ input: child.stdout }).on('line', (line) => {
  process.stdout.write(`${line}\n`);
  if (line.includes('"type":"result"') && !isFlooding) void flood();
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => process.exit(code ?? 1));

async function flood(): Promise<void> {
  isFlooding = true;
  for (let n = 0; ; n += TOGETHER) {
    const lines = Array.from(
      { length: TOGETHER },
      (_, i) => `${JSON.stringify({ type: 'system', subtype: 'flood', n: n + i, text })}\n`,
    );
    if (process.stdout.write(lines.join(''))) await new Promise(setImmediate);
    else await once(process.stdout, 'drain');
  }
}
