import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { runUnprivileged } from '../../../support/files/unprivileged.ts';
import { scratch } from '../../../support/scratch.ts';

const MB = 1024 * 1024;
const answer = z.object({ usage: z.object({ bytes: z.int(), files: z.int() }), lines: z.array(z.string()) });

/** 3 MB in a folder that is closed, within another one. */
function closedFolders() {
  const top = scratch();
  chmodSync(top, 0o755);
  const workspace = path.join(top, 'workspace');
  const inner = path.join(workspace, 'closed/inner');
  mkdirSync(inner, { recursive: true });
  writeFileSync(path.join(inner, 'large'), Buffer.alloc(3 * MB, 1));
  for (const at of [inner, path.dirname(inner)]) chmodSync(at, 0o000);
  return { top, workspace };
}

/** Programs without the one that makes namespaces: as on a kernel that gives users none. */
function withoutNamespaces(): string {
  const programs = scratch();
  chmodSync(programs, 0o755);
  symlinkSync('/usr/bin/du', path.join(programs, 'du'));
  return programs;
}

test('a runner that is not root measures what the agent has closed, and asks no engine for it', async () => {
  const { top, workspace } = closedFolders();
  const said = await runUnprivileged(top, 'measuring-child.ts', { folders: [workspace], engine: 'answers' });
  const { usage, lines } = answer.parse(said);
  expect(usage.bytes).toBeGreaterThanOrEqual(3 * MB);
  expect(usage.files).toBe(4);
  expect(lines).toEqual([]);
});

test('where the kernel gives it no namespace, the engine measures; without both it says once that this is missing', async () => {
  const { top, workspace } = closedFolders();
  const measure = async (engine: string) =>
    answer.parse(
      await runUnprivileged(top, 'measuring-child.ts', { folders: [workspace], engine }, withoutNamespaces()),
    );
  expect(await measure('answers')).toEqual({ usage: { bytes: 1, files: 1 }, lines: [] });
  const { usage, lines } = await measure('is away');
  expect(usage.bytes).toBeLessThan(MB);
  expect(lines).toEqual([expect.stringMatching(/closed are not measured.*unshare.*the engine is away/)]);
});
