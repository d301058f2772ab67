import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * A hostile agent: swaps a folder of its workspace for a symlink to the outside and back, as fast as it can, and puts the
 * folder's content back when that is gone. `node racing-agent.ts WORKSPACE OUTSIDE`, until it is killed.
 */
const [, , workspace = '', outside = ''] = process.argv;
const [folder, aside] = [`${workspace}/dir`, `${workspace}/aside`];

/** What the runner does at the same moment may fail any of these. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
  }
}

process.stdout.write('ready\n');
for (;;) {
  attempt(() => mkdirSync(`${folder}/folder`, { recursive: true }));
  attempt(() => writeFileSync(`${folder}/secret-name-outside`, 'an ordinary file', { flag: 'wx' }));
  attempt(() => writeFileSync(`${folder}/folder/secret-name-outside`, 'an ordinary file', { flag: 'wx' }));
  for (let turn = 0; turn < 20; turn++) {
    attempt(() => renameSync(folder, aside));
    attempt(() => symlinkSync(outside, folder));
    attempt(() => readFileSync(`${folder}/secret-name-outside`));
    attempt(() => unlinkSync(folder));
    attempt(() => renameSync(aside, folder));
  }
  attempt(() => rmSync(aside, { recursive: true }));
}
