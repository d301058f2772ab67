import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratch } from '../../support/scratch.ts';

const OWN_LIMITS = fileURLToPath(new URL('../../../wrapper/seal/own-limits.ts', import.meta.url));
/** Nobody else on this machine is this user: a kernel counts all processes of one. */
const NOBODY_ELSE = 47_119;
const LIMITS = { processes: 64, file_bytes: 4096 };

/** Sets the limits as a wrapper does, and then does what the agent might. */
const AGENT = `
import { once } from 'node:events';
import { spawn, spawnSync } from 'node:child_process';
import { setOwnLimits } from './own-limits.ts';
setOwnLimits(${JSON.stringify(LIMITS)});
const sh = (script) => spawnSync('sh', ['-c', script], { encoding: 'utf8' });
const raised = sh('prlimit --nproc=100000:100000 true').status;
const children = [];
let refused;
while (refused === undefined && children.length < 200) {
  const child = spawn('sleep', ['60']);
  if (child.pid === undefined) refused = once(child, 'error').then(([{ code }]) => code, ({ code }) => code);
  else children.push(child);
}
for (const child of children) child.kill('SIGKILL');
await Promise.all(children.map((child) => once(child, 'close')));
const written = sh('head -c 5000 /dev/zero > "$HOME/large"; wc -c < "$HOME/large"').stdout.trim();
console.log(JSON.stringify({ raised, refused: await refused, children: children.length, written }));
`;

test.runIf(process.getuid?.() === 0)(
  'limits that the wrapper sets hold for all that it starts, and cannot be raised again',
  () => {
    const folder = scratch();
    chmodSync(folder, 0o777);
    copyFileSync(OWN_LIMITS, path.join(folder, 'own-limits.ts'));
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', AGENT], {
      cwd: folder,
      uid: NOBODY_ELSE,
      gid: NOBODY_ELSE,
      env: { PATH: process.env['PATH'], HOME: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { raised, refused, children, written } = JSON.parse(said.toString());
    expect(raised).not.toBe(0);
    expect(refused).toBe('EAGAIN');
    // Its own threads count too.
    expect(children).toBeLessThan(LIMITS.processes);
    expect(written).toBe('4096');
  },
);
