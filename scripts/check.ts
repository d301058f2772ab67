import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { installPackages } from '../container/build/install-packages.ts';

/** Has the tools, with a lock of their own: who only uses CC-Docker does not install a hundred megabytes of them. */
const TOOLS = path.join(import.meta.dirname, 'lint');

/**
 * Of tools in Go: one thread each, because those of one program check the shared types once each, and a third of the usual garbage
 * collections. They take a third less CPU time so, and run side by side anyway.
 */
const GO = { GOMAXPROCS: '1', GOGC: '400' };

/** The parts of `npm run check`. They run side by side, the longest first. */
const PARTS = {
  format: 'oxfmt --check',
  lint: 'oxlint --type-aware',
  'types of what runs in Node': 'tsc -p tsconfig.node.json --singleThreaded',
  'types of what runs in workerd': 'tsc -p tsconfig.edge.json --singleThreaded',
  'types of the client': 'tsc -p tsconfig.client.json --singleThreaded',
  'types of the console': 'tsc -p tsconfig.console.json --singleThreaded',
  'types of the service worker': 'tsc -p tsconfig.worker.json --singleThreaded',
  'what the client knows of the API': 'node scripts/client-types/main.ts --check',
  'what nobody uses': 'knip --no-progress',
  'the document of the API': 'node scripts/openapi/main.ts --check && node scripts/openapi/compare.ts',
  'the document by Redocly':
    'REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true redocly lint --config scripts/lint/redocly.yaml docs/openapi.json',
  'the document by Spectral': 'spectral lint --fail-severity=hint -r scripts/lint/spectral.yaml docs/openapi.json',
};

/** The parts of `npm run fix`, one after the other: both write to the same files. */
const FIXES = {
  lint: 'oxlint --type-aware --fix',
  format: 'oxfmt',
};

/** Runs a part. Prints what it wrote when it has failed, and its time. */
async function run(name: string, command: string): Promise<boolean> {
  const begun = performance.now();
  const env = {
    ...process.env,
    ...GO,
    PATH: [path.join(TOOLS, 'node_modules/.bin'), process.env['PATH']].join(path.delimiter),
  };
  const part = spawn(command, { shell: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [[code], out, err] = await Promise.all([once(part, 'close'), text(part.stdout), text(part.stderr)]);
  if (code !== 0) console.log(`\n${out}${err}`.trimEnd());
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  return code === 0;
}

async function runAll(parts: Record<string, string>, atOnce: boolean): Promise<boolean> {
  const results: Promise<boolean>[] = [];
  for (const [name, command] of Object.entries(parts)) {
    const result = run(name, command);
    results.push(result);
    if (!atOnce) await result;
  }
  return !(await Promise.all(results)).includes(false);
}

const tools = await installPackages({ folder: TOOLS, what: 'the tools', optional: true, onProgress: console.log });
if (!tools.ok) console.error(tools.detail);
const fix = process.argv.includes('--fix');
const passed = tools.ok && (await runAll(fix ? FIXES : PARTS, !fix));
if (!passed) process.exitCode = 1;
