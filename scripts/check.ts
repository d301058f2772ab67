import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** The parts of `npm run check`. They run side by side, the longest first. */
const PARTS = {
  format: 'prettier --check --cache --cache-strategy content --log-level warn .',
  lint: 'oxlint --type-aware',
  'types of what runs in Node': 'tsc -p tsconfig.node.json',
  'types of what runs in workerd': 'tsc -p tsconfig.edge.json',
  'what nobody uses': 'knip --no-progress',
};

/** Runs a part. Prints what it wrote when it has failed, and its time. */
async function run(name: string, command: string): Promise<boolean> {
  const begun = performance.now();
  const part = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const [[code], out, err] = await Promise.all([once(part, 'close'), text(part.stdout), text(part.stderr)]);
  if (code !== 0) console.log(`\n${out}${err}`.trimEnd());
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  return code === 0;
}

const passed = await Promise.all(Object.entries(PARTS).map(([name, command]) => run(name, command)));
if (passed.includes(false)) process.exitCode = 1;
