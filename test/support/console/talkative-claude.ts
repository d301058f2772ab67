import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

/**
 * `talkative-claude.ts CLAUDE ARGUMENTS…` runs the real `claude`. When a turn ends whose answer names a number (`lines: 9000`), it says
 * so many recorded lines more, calls of tools and words: a session that has gone on for long, in seconds.
 */
const [claude = '', ...args] = process.argv.slice(2);

/** Lines that are written together. */
const TOGETHER = 200;

const recorded = readFileSync(path.join(import.meta.dirname, 'logs', 'turns.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown> })
  .filter(({ type, data }) => (type === 'assistant' || type === 'user') && data['isReplay'] !== true)
  .map(({ data }) => JSON.stringify(data));

const child = spawn(claude, args, { stdio: ['inherit', 'pipe', 'inherit'] });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
child.once('close', (code) => process.exit(code ?? 1));

let said = 0;
for await (const line of createInterface({ input: child.stdout })) {
  process.stdout.write(`${line}\n`);
  if (!line.includes('"type":"result"')) continue;
  const [, count] = /lines: (\d+)/.exec(line) ?? [];
  if (count !== undefined) await say(Number(count));
}

async function say(count: number): Promise<void> {
  for (let left = count; left > 0; left -= TOGETHER) {
    const lines = Array.from({ length: Math.min(TOGETHER, left) }, () => {
      said += 1;
      const line = recorded[said % recorded.length] ?? '{}';
      return `${line.replaceAll('toolu_', `toolu_${Math.floor(said / recorded.length)}_`)}\n`;
    });
    if (!process.stdout.write(lines.join(''))) await once(process.stdout, 'drain');
  }
}
