import { watch } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../lib/project.ts';

/** An editor writes a file in several steps, and a checkout writes many files: what comes within this time is one edit. Milliseconds. */
const TOGETHER_MS = 200;

/** Calls back after each edit of a source file in these folders of the project, until `signal` aborts. */
export function watchFolders(folders: readonly string[], onEdit: () => void, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  for (const folder of folders) {
    watch(path.join(PROJECT, folder), { recursive: true, signal, persistent: false }, (_event, name) => {
      if (name === null || name.includes('node_modules') || !/\.(?:ts|mjs|json)$/.test(name)) return;
      clearTimeout(timer);
      timer = setTimeout(onEdit, TOGETHER_MS);
    });
  }
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
