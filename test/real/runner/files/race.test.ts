import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pack } from 'tar-stream';
import { expect, onTestFinished, test } from 'vitest';
import type { TreeRequest } from '../../../../runner/files/answer-request.ts';
import {
  ask,
  bodyOf,
  fingerprint,
  leaks,
  openFiles,
  read,
  SECRET,
  SECRET_NAME,
  surroundings,
} from '../../../support/files/scene.ts';

/** At least this many times everything, and on until the race has shown itself. */
const ROUNDS = 100;
const MOST_ROUNDS = 2_000;
/** Rounds side by side: they mostly wait for the disk, and the agent keeps a core busy until the last has ended. */
const AT_ONCE = 4;

async function archive(): Promise<Buffer> {
  const tar = pack();
  for (let index = 0; index < 5; index++) tar.entry({ name: `dir/unpacked${index}` }, 'unpacked');
  tar.entry({ name: 'dir/folder', type: 'directory', mode: 0o777 });
  tar.entry({ name: 'dir/link', type: 'symlink', linkname: 'x' });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('an agent that swaps a folder for a link to the outside all the while gets nothing read, written or deleted there', async () => {
  const { top, workspace, outside } = surroundings();
  mkdirSync(path.join(workspace, 'dir'));
  const untouched = fingerprint(top, workspace);
  const agent = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../../../support/files/racing-agent.ts'), workspace, outside],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void agent.kill('SIGKILL'));
  await once(agent.stdout, 'data');

  const open = openFiles();
  const tar = await archive();
  const requests: [TreeRequest, Uint8Array?][] = [
    [read(`dir/${SECRET_NAME}`)],
    [{ op: 'write', path: `dir/${SECRET_NAME}`, mode: 0o777 }, Buffer.from('written')],
    [{ op: 'write', path: 'dir/new/deeper', mode: null }, Buffer.from('written')],
    [{ op: 'pack', path: '' }],
    [{ op: 'pack', path: 'dir' }],
    [read('', { recursive: true })],
    [{ op: 'unpack', path: '' }, tar],
    [{ op: 'diff', format: 'patch' }],
    [{ op: 'delete', path: 'dir/folder', recursive: true }],
    [{ op: 'delete', path: `dir/${SECRET_NAME}`, recursive: false }],
    [{ op: 'delete', path: 'dir', recursive: true }],
  ];
  const as = process.getuid?.() === 0 ? { uid: 4711, gid: 4711 } : undefined;
  const outcomes = requests.map(() => ({ done: 0, refused: 0 }));
  let naive = 0;
  const shown = () =>
    naive > 0 && outcomes.every(({ done }) => done > 0) && outcomes.slice(0, 3).every(({ refused }) => refused > 0);
  let begun = 0;
  const rounds = async () => {
    while (begun < ROUNDS || (begun < MOST_ROUNDS && !shown())) {
      begun += 1;
      for (const [index, [request, body]] of requests.entries()) {
        const count = outcomes[index] ?? { done: 0, refused: 0 };
        const answer = await ask(workspace, request, { as, ...(body === undefined ? {} : { body: bodyOf(body) }) });
        expect(leaks(answer), `${request.op} gave something away`).toBe(false);
        if (answer.ok) count.done += 1;
        else count.refused += 1;
      }
      expect(fingerprint(top, workspace)).toBe(untouched);
      // The control: a path that is given to the kernel whole does lead out.
      for (let turn = 0; turn < 20; turn++)
        if (naively(path.join(workspace, 'dir', SECRET_NAME)) === SECRET) naive += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, rounds));
  expect(shown(), JSON.stringify({ naive, outcomes })).toBe(true);
  expect(openFiles()).toBe(open);
});

function naively(at: string): string | undefined {
  try {
    return readFileSync(at, 'utf8');
  } catch {
    // Swapped at this moment.
    return undefined;
  }
}
