import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { WrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { MAX_TERMINALS, TERMINAL_WINDOW } from '../../../../protocol/link/terminal/terminal.ts';
import { Terminals } from '../../../../wrapper/terminal/terminals.ts';
import { until } from '../../../support/until.ts';
import { TestViewer } from '../../../support/wrapper/terminal-viewer.ts';

const cwd = mkdtempSync(path.join(tmpdir(), 'cc-terminal-'));
const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: cwd, LANG: 'C.UTF-8', AGENTS_OWN: 'yes', PS1: '$ ' };
afterAll(() => rm(cwd, { recursive: true, force: true }));

const made: Terminals[] = [];
afterEach(() => {
  for (const terminals of made.splice(0)) terminals.kill();
});
const notices: WrapperNotice[] = [];
function container(patience?: { holdMs: number; keptMs: number }): Terminals {
  const terminals = new Terminals({ cwd, env }, (notice) => notices.push(notice), patience);
  made.push(terminals);
  return terminals;
}
const bash = (script: string) => ['bash', '-c', script];

/** What runs with this terminal's mark. */
async function processesOf(terminal: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`CC_DOCKER_TERMINAL=${terminal}`);
    } catch {
      return false;
    }
  });
}

test('a shell is in a terminal of its own, whose size follows; it has the agent’s folder and variables', async () => {
  const viewer = TestViewer.open(container(), { begin: {}, cols: 91, rows: 31 });
  viewer.type('stty size; echo "$AGENTS_OWN $TERM $PWD"; ps -o stat= -p $$\n');
  await viewer.shows('31 91');
  await viewer.shows(`yes xterm-256color ${cwd}`);
  // It leads its process session, and has the keyboard: job control works.
  await viewer.shows(/SN?s\+?\r\n/);
  viewer.send({ type: 'resize', cols: 132, rows: 43 });
  viewer.type('stty size; tput cols\n');
  await viewer.shows(/43 132\r\n132\r\n/);
  viewer.type(`sh -c 'echo be"gin"s; exec sleep 1000'\n`);
  await viewer.shows('begins');
  viewer.type('\x03');
  await viewer.shows(/\^C/);
  viewer.type('echo in"terr"upted; exit 3\n');
  await viewer.shows('interrupted');
  expect(await viewer.ended()).toEqual({ code: 3, signal: null });
  await until(() => expect(viewer.isClosed).toBe(true));
  expect(notices).toContainEqual({ notice: 'terminal_ended', terminal: viewer.terminal, code: 3, signal: null });
});

test('a command without a terminal: both streams apart, its input, its exit code, a signal, one that is not there', async () => {
  const terminals = container();
  const plain = (command: string[]) => TestViewer.open(terminals, { begin: { tty: false, command } });
  const viewer = plain(bash('cat; echo bad >&2; tty; exit 7'));
  viewer.type('some ');
  viewer.type('input\n');
  viewer.send({ type: 'end' });
  expect(await viewer.ended()).toEqual({ code: 7, signal: null });
  expect(viewer.text).toBe('some input\nnot a tty\n');
  expect(Buffer.concat(viewer.errors).toString()).toBe('bad\n');

  const killed = plain(['sleep', '1000']);
  killed.send({ type: 'signal', signal: 'TERM' });
  expect(await killed.ended()).toEqual({ code: null, signal: 'TERM' });
  const missing = plain(['no-such-command']);
  expect(await missing.ended()).toEqual({ code: 127, signal: null });
  expect(Buffer.concat(missing.errors).toString()).toContain('no-such-command');
  // What reads nothing loses nothing that matters: it has ended.
  const deaf = plain(['true']);
  deaf.type(randomBytes(60_000));
  expect(await deaf.ended()).toEqual({ code: 0, signal: null });
});

const LINES = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('');
const hashOf = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** After so many bytes a connection breaks. */
const cutAfter = () => 1 + Math.floor(Math.random() * 100_000);

test.each([
  { tty: true, expected: LINES.replaceAll('\n', '\r\n') },
  { tty: false, expected: LINES },
])('output that is cut at any place comes whole (tty: $tty)', async ({ tty, expected }) => {
  const terminals = container();
  const got: Buffer[] = [];
  const command = ['seq', '1', '200000'];
  let viewer = TestViewer.open(terminals, { begin: { tty, command }, after: 0, cutAfter: cutAfter() });
  const { terminal } = viewer;
  let cuts = 0;
  for (;;) {
    await until(() => expect(viewer.isClosed).toBe(true));
    got.push(...viewer.output);
    if (viewer.exit !== undefined) break;
    cuts += 1;
    viewer = TestViewer.open(terminals, { terminal, after: viewer.at, cutAfter: cutAfter() });
  }
  expect(cuts).toBeGreaterThan(5);
  expect(hashOf(Buffer.concat(got))).toBe(hashOf(expected));
  expect(viewer.exit?.at).toBe(expected.length);
  expect(viewer.reports.some(({ type }) => type === 'gap')).toBe(false);
});

test('input that is cut is taken once: the container says how far it came', async () => {
  const terminals = container();
  const input = randomBytes(1_000_000);
  let viewer = TestViewer.open(terminals, { begin: { tty: false, command: ['sha256sum'] }, after: 0 });
  const { terminal } = viewer;
  let sent = 0;
  for (let round = 0; sent < input.length; round += 1) {
    // Within the window, and a part of it is lost with the connection.
    const next = input.subarray(sent, sent + 50_000);
    viewer.type(next);
    if (round % 2 === 0) {
      viewer.cut();
      viewer = TestViewer.open(terminals, { terminal, after: viewer.at });
      await until(() => expect(viewer.reports[0]).toMatchObject({ type: 'ready' }));
      sent = viewer.taken;
    } else {
      sent += next.length;
      await until(() => expect(viewer.taken).toBe(sent));
    }
  }
  viewer.send({ type: 'end' });
  expect(await viewer.ended()).toEqual({ code: 0, signal: null });
  expect(viewer.text).toContain(hashOf(input));
});

test('a viewer that does not acknowledge holds the command up, and nothing is lost', async () => {
  const terminals = container();
  const command = bash('head -c 3000000 /dev/zero; echo done >&2');
  const viewer = TestViewer.open(terminals, { begin: { tty: false, command }, silent: true });
  await until(() => expect(viewer.at).toBe(TERMINAL_WINDOW));
  expect(viewer.exit).toBeUndefined();
  // It comes back, and reads.
  viewer.cut();
  const reader = TestViewer.open(terminals, { terminal: viewer.terminal, after: 1000 });
  await reader.ended();
  expect(Buffer.concat(reader.output).length).toBe(3_000_000 - 1000);
});

test('a terminal whose viewer stays away goes on, and says which output is gone', async () => {
  const terminals = container({ holdMs: 50, keptMs: 60_000 });
  const command = bash('read; head -c 2000000 /dev/zero; touch passed; sleep 1000');
  const viewer = TestViewer.open(terminals, { begin: { command } });
  viewer.type('\n');
  viewer.cut();
  const { terminal } = viewer;
  // It would wait for ever if it kept all of that.
  await until(() => expect(existsSync(path.join(cwd, 'passed'))).toBe(true));
  const back = TestViewer.open(terminals, { terminal, after: 2 });
  await until(() => expect(back.at).toBeGreaterThanOrEqual(2_000_000));
  const gap = back.reports.find((report) => report.type === 'gap');
  expect(gap).toMatchObject({ from: 2 });
  expect((gap?.to ?? 0) + Buffer.concat(back.output).length).toBe(back.at);
});

test('the newest viewer has the terminal; what the one before types then does nothing', async () => {
  const terminals = container();
  const first = TestViewer.open(terminals, { begin: {} });
  first.type('echo from the "fir"st\n');
  await first.shows('from the first');
  const second = TestViewer.open(terminals, { terminal: first.terminal });
  await until(() => expect(first.closedWith).toBe('replaced'));
  // Whoever comes without a position sees the last output.
  await second.shows('from the first');
  first.type('echo not "tak"en\n');
  second.type('echo from the "sec"ond\n');
  await second.shows('from the second');
  expect(second.text).not.toContain('not taken');
});

test('all that a terminal started ends with it: what left its group, and what nobody waits for', async () => {
  const terminals = container();
  const viewer = TestViewer.open(terminals, { begin: {} });
  viewer.type('setsid -f sleep 1000; nohup sleep 1001 >/dev/null 2>&1 & disown; (trap "" HUP TERM; sleep 1002) &\n');
  await until(async () => expect((await processesOf(viewer.terminal)).length).toBeGreaterThanOrEqual(4));
  viewer.type('exit\n');
  await viewer.ended();
  expect(await processesOf(viewer.terminal)).toEqual([]);
});

test('a terminal that is left alone ends in time, also one that ignores being told', async () => {
  const terminals = container();
  const command = bash('trap "" HUP; echo ready; sleep 1000 & wait; sleep 1000');
  const viewer = TestViewer.open(terminals, { begin: { command, detached_seconds: 1 } });
  await viewer.shows('ready');
  viewer.cut();
  await until(async () => expect(await processesOf(viewer.terminal)).toEqual([]));
  // Its end is kept for who was cut off.
  const back = TestViewer.open(terminals, { terminal: viewer.terminal, after: viewer.at });
  expect((await back.ended()).code).toBeNull();
});

test('a fork bomb ends with its terminal', async () => {
  const terminals = container();
  // Bounded, for the machine's sake: at most 200 at a time, each of which is replaced when it ends.
  const bomb = 'again() { while :; do (sleep 0.05); done; }; for i in $(seq 100); do again & done; echo started; wait';
  const viewer = TestViewer.open(terminals, { begin: { command: bash(bomb) } });
  await viewer.shows('started');
  terminals.kill();
  expect(await viewer.ended()).toEqual({ code: null, signal: 'KILL' });
  expect(await processesOf(viewer.terminal)).toEqual([]);
});

test('as many terminals as there may be, and none that does not exist or comes too late', async () => {
  const terminals = container();
  const sleep = { tty: false, command: ['sleep', '1000'] };
  const all = Array.from({ length: MAX_TERMINALS }, () => TestViewer.open(terminals, { begin: sleep }));
  expect(() => TestViewer.open(terminals, { begin: sleep })).toThrow('terminal_limit_reached');
  all[0]?.send({ type: 'signal', signal: 'KILL' });
  await all[0]?.ended();
  TestViewer.open(terminals, { begin: sleep });
  expect(() => TestViewer.open(terminals, {})).toThrow('terminal_not_found');
  terminals.close();
  await Promise.all(all.map((viewer) => viewer.ended()));
  expect(() => TestViewer.open(terminals, { begin: sleep })).toThrow('terminal_unavailable');
});
