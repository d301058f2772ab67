import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';

/**
 * `tee.ts STAMPS CLAUDE ARGUMENTS…` runs `claude` and passes its lines on, one write each. For each line it appends to STAMPS
 * the time when that write began (nanoseconds of the monotonic clock, which all processes of the machine share) and the line
 * itself. It does so after the write, so that its own cost is in no figure.
 */
const [stamps, claude, ...args] = process.argv.slice(2);
if (stamps === undefined || claude === undefined) throw new Error('usage: tee.ts STAMPS CLAUDE ARGUMENTS…');
const STDOUT = 1;
const file = openSync(stamps, 'a', 0o600);

const child = spawn(claude, args, { stdio: ['inherit', 'pipe', 'inherit'] });
let rest = Buffer.alloc(0);
child.stdout.on('data', (chunk: Buffer) => {
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  let from = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
    const line = bytes.subarray(from, end + 1);
    const began = process.hrtime.bigint();
    writeAll(STDOUT, line);
    writeAll(file, Buffer.concat([Buffer.from(`${began} `), line]));
    from = end + 1;
  }
  rest = Buffer.from(bytes.subarray(from));
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => process.exit(code ?? 1));

function writeAll(to: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(to, bytes, at);
}
