#!/usr/bin/env node
// The command `cc-docker`. Plain JavaScript, so that any Node can run it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli.js', import.meta.url);
const sources = new URL('main.ts', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isOld = major < 22 || (major === 22 && minor < 18);
const own = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (isOld && existsSync(own)) {
  // The Node that came with the packages.
  const { spawn } = await import('node:child_process');
  const command = spawn(own, process.argv.slice(1), { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => command.kill(signal));
  command.on('exit', (code, signal) => (signal === null ? process.exit(code) : process.kill(process.pid, signal)));
} else if (isOld) {
  console.error(`cc-docker: Node ${process.versions.node} is too old. Install Node 22.18 or newer.`);
  process.exitCode = 1;
} else if (import.meta.url.includes('/node_modules/')) {
  // Node runs no TypeScript in there: the package has what was built of it.
  await import(built.href);
} else {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)));
  await import(sources.href);
}
