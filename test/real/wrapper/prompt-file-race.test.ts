import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readPromptFile } from '../../../wrapper/workspace/prompt-file.ts';
import { SECRET, SECRET_NAME, surroundings } from '../../support/files/scene.ts';

/** At least so many tries, and on until the race has shown itself. */
const TRIES = 2_000;
const MOST_TRIES = 100_000;

test('an agent that swaps a folder for a link to the outside all the while gets no file from there to the model', async () => {
  const { workspace, outside } = surroundings();
  mkdirSync(path.join(workspace, 'dir'));
  const script = path.join(import.meta.dirname, '../../support/files/racing-agent.ts');
  const agent = spawn(process.execPath, [script, workspace, outside], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void agent.kill('SIGKILL'));
  await once(agent.stdout, 'data');
  const file = `dir/${SECRET_NAME}`;
  const seen = { inside: 0, outside: 0, naive: 0 };
  const shown = () => seen.inside > 0 && seen.outside > 0 && seen.naive > 0;
  for (let tries = 0; tries < TRIES || (tries < MOST_TRIES && !shown()); tries += 1) {
    const read = await readPromptFile(workspace, { type: 'document', source: { file } });
    expect(JSON.stringify(read)).not.toContain(SECRET);
    if (!('refused' in read)) seen.inside += 1;
    else if (read.refused.includes('outside')) seen.outside += 1;
    // The control: a path that is given to the kernel whole does lead out.
    if (naively(path.join(workspace, file)) === SECRET) seen.naive += 1;
  }
  expect(shown(), JSON.stringify(seen)).toBe(true);
}, 120_000);

function naively(at: string): string | undefined {
  try {
    return readFileSync(at, 'utf8');
  } catch {
    // Swapped at this moment.
    return undefined;
  }
}
