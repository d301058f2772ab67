import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program with this environment alone, and gives what it said. Standard output is counted, and kept up to 1 MB. */
export async function run(command: string, args: string[], options: { env: Record<string, string>; cwd?: string }) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= 1_000_000) chunks.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout: Buffer.concat(chunks).toString(), stderr, bytes };
}
