// For `npm start`, after `check-node.mjs`. Plain JavaScript: Node's compiler of TypeScript takes 30 MB of each process that loads
// it, for good. So at the first start, and after an edit, processes that end at once compile what the service runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const cache = process.env['NODE_COMPILE_CACHE'] ?? '';
/** What the parts of a service are made of. */
const FOLDERS = ['cli', 'client', 'container', 'demo-model', 'protocol', 'runner', 'scripts', 'start', 'wrapper'];
/** What they read later, or first. To read these does nothing. */
const LATER = [
  'runner/secrets/certificate-authority.ts',
  'runner/storage/s3-store.ts',
  'start/lib/end-with-parent.ts',
  'start/lib/outlive-reader.ts',
  'start/prompt/run-prompt.ts',
  'wrapper/tools/tool-list.ts',
];
/** Each reads its sources, and ends: the first says its version, the second makes nothing, the last but one has no settings. */
const PROGRAMS = [
  ['start/main.ts', '--version'],
  ['scripts/make-bundles.ts'],
  ['start/runner/look-for-engine.ts'],
  ['runner/main.ts'],
  ['--input-type=module', '--eval', LATER.map((file) => `await import('./${file}');`).join('')],
];

const newest = FOLDERS.reduce((latest, folder) => Math.max(latest, newestIn(path.join(root, folder))), 0);
const compiled = `${process.version} ${newest}`;
const note = path.join(cache, 'compiled');

if (cache !== '' && read(note) !== compiled) {
  const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: cache };
  const running = PROGRAMS.map((words) => spawn(process.execPath, words, { cwd: root, env, stdio: 'ignore' }));
  await Promise.all(running.map((child) => once(child, 'close')));
  try {
    writeFileSync(note, compiled);
  } catch {
    // A folder that cannot be written is no cache.
  }
}

/**
 * When a source of the folder was last written. Packages are passed over: there are 25,000 files of theirs.
 *
 * @param {string} folder
 * @returns {number}
 */
function newestIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .map((entry) => {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) return newestIn(at);
      return entry.name.endsWith('.ts') ? statSync(at).mtimeMs : 0;
    })
    .reduce((latest, time) => Math.max(latest, time), 0);
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
