import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { MAX_LINE_BYTES } from '../../../protocol/settings/limits.ts';
import { Stage } from '../../support/wrapper/run-wrapper.ts';

/** What `claude` is not easily brought to do is done by a script in its place. It answers `initialize` first. */
const INITIALISE = `
const lines = require('node:readline').createInterface({ input: process.stdin });
const say = (text) => process.stdout.write(text + '\\n');
const initialised = (line) => say(JSON.stringify({ type: 'control_response', response: { subtype: 'success',
  request_id: JSON.parse(line).request_id, response: { claude_code_version: '0.0.1' } } }));
`;

test('its environment is exactly the one of the launch, and the session’s mark', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`console.log(JSON.stringify({ env: process.env }));`);
  await stage.start({ claude, env: { ONLY: 'this' } });
  const [line] = await stage.session.until(() => stage.session.lines.length > 0 && stage.session.lines);
  expect(line).toEqual({ env: { ONLY: 'this', CC_DOCKER_SESSION: stage.sessionId } });
});

test('a binary that is missing is told in words, and the wrapper ends', async () => {
  await using stage = await Stage.open();
  const wrapper = await stage.start({ claude: stage.path('nowhere') });
  expect(await stage.session.notice('start_failed')).toMatchObject({
    detail: expect.stringContaining(`no Claude Code at ${stage.path('nowhere')}`),
  });
  expect(await wrapper.exit).toEqual({ code: 0, signal: null, stderr: '' });
});

test('a working directory that is missing is told as that, not as a missing binary', async () => {
  await using stage = await Stage.open();
  await rm(stage.path('workspace'), { recursive: true });
  await stage.start();
  const { detail } = await stage.session.notice('start_failed');
  expect(detail).toContain(`working directory ${stage.path('workspace')} does not exist`);
});

test('a refused initialize is a failed start, with the reason', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => say(JSON.stringify({ type: 'control_response', response: { subtype: 'error',
      request_id: JSON.parse(line).request_id, error: 'not today' } })));
    setInterval(() => {}, 1000);`);
  const wrapper = await stage.start({ claude });
  expect(await stage.session.notice('start_failed')).toMatchObject({
    detail: expect.stringContaining('not today'),
  });
  expect(await wrapper.exit).toMatchObject({ code: 0 });
});

test('nothing is handed to it before it is initialised', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    const heard = [];
    lines.on('line', (line) => heard.push(line));
    lines.once('line', (line) => setTimeout(() => { say(JSON.stringify({ heard: heard.length })); initialised(line); }, 500));`);
  const { session } = stage;
  session.prompt('early');
  await stage.start({ claude });
  await session.until(() => session.taken === 1);
  expect(session.lines).toEqual([{ heard: 1 }]);
});

test('an exit tells its code and the end of stderr, after every line that came before it', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => {
      initialised(line);
      for (let n = 0; n < 5000; n += 1) say(JSON.stringify({ n, pad: 'x'.repeat(200) }));
      process.stdout.write('{"last":"without a newline"}');
      process.stderr.write('x'.repeat(20_000) + ' the end');
      process.exitCode = 7;
      lines.close();
      process.stdin.destroy();
    });`);
  const wrapper = await stage.start({ claude });
  const exited = await stage.session.notice('exited');
  expect(exited).toMatchObject({ code: 7, signal: null, stderr: expect.stringMatching(/^x+ the end$/) });
  expect(exited.stderr).toHaveLength(8192);
  expect(stage.session.lines.slice(0, 5000).map((line) => line['n'])).toEqual(
    Array.from({ length: 5000 }, (_, n) => n),
  );
  expect(stage.session.lines.at(-1)).toEqual({ last: 'without a newline' });
  expect(stage.session.items.at(-1)).toEqual(exited);
  expect(await wrapper.exit).toMatchObject({ code: 0 });
});

test('a line too long, and one that is not JSON, are told and do not hurt their neighbours', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => {
      initialised(line);
      say('{"long":"' + 'x'.repeat(${MAX_LINE_BYTES} - 11) + '"}');
      say('{"long":"' + 'x'.repeat(${MAX_LINE_BYTES} - 10) + '"}');
      say('Segmentation fault');
      say('{"after":1}');
    });`);
  await stage.start({ claude });
  const { items } = stage.session;
  await stage.session.until(() => items.includes('{"after":1}'));
  expect(items[1]).toHaveLength(MAX_LINE_BYTES);
  expect(items.slice(2, 4)).toEqual([
    { notice: 'oversized', bytes: MAX_LINE_BYTES + 1, head: `{"long":"${'x'.repeat(1015)}` },
    { notice: 'garbled', line: 'Segmentation fault' },
  ]);
});

test('what was said while nobody could be reached arrives when the session is back', async () => {
  await using stage = await Stage.open();
  await stage.session[Symbol.asyncDispose]();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => { initialised(line); say('{"said":"alone"}'); lines.close(); process.stdin.destroy(); });`);
  const wrapper = await stage.start({ claude });
  const session = await stage.freshSession();
  expect(await session.notice('exited')).toMatchObject({ code: 0 });
  expect(session.lines).toEqual([{ said: 'alone' }]);
  expect(await wrapper.exit).toMatchObject({ code: 0 });
});

test.concurrent('one that will not stop is killed, and its last words arrive', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    process.on('SIGTERM', () => say('{"says":"no"}'));
    lines.on('line', initialised);
    setInterval(() => {}, 1000);`);
  const wrapper = await stage.start({ claude });
  await stage.session.notice('ready');
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(stage.session.items.slice(-2)).toEqual([
    '{"says":"no"}',
    { notice: 'exited', code: null, signal: 'SIGKILL', stderr: '' },
  ]);
});

test.concurrent('an end that is never acknowledged does not hold a stopped wrapper up for ever', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE} lines.on('line', initialised);`);
  const wrapper = await stage.start({ claude });
  await stage.session.notice('ready');
  stage.session.withholdAcks = true;
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('1 items were not acknowledged'),
  });
});

test('while nothing is acknowledged, claude waits rather than the memory growing; then all of it arrives', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    const { writeFileSync, renameSync } = require('node:fs');
    const pad = 'x'.repeat(1024 * 1024);
    let said = 0;
    const next = () => {
      if (said === 100) return;
      said += 1;
      writeFileSync('said.new', String(said));
      renameSync('said.new', 'said');
      process.stdout.write(JSON.stringify({ said, pad }) + '\\n', next);
    };
    lines.once('line', (line) => { initialised(line); next(); });`);
  const { session } = stage;
  const said = async (): Promise<number> => Number(await readFile(stage.path('workspace/said'), 'utf8'));
  session.withholdAcks = true;
  await stage.start({ claude });
  await session.until(() => session.lines.length >= 16);
  // A window of 16 MiB is sent, and another kept. What follows is not read, however much time it is given.
  for (let n = 1; n <= 50; n += 1) {
    session.prompt('are you there?');
    await session.until(() => session.taken === n);
  }
  expect(session.lines.length).toBeLessThan(18);
  expect(await said()).toBeLessThan(38);
  session.withholdAcks = false;
  session.breakLink();
  await session.until(() => session.lines.length === 100);
  expect(session.lines.map((line) => line['said'])).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
});

test('what it had said when it ended, and was not read for fullness, comes before its end', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => {
      initialised(line);
      for (let n = 0; n < 32; n += 1) say(JSON.stringify({ pad: 'x'.repeat(1024 * 1024) }));
      lines.once('line', () => { say('{"last":true}'); process.stdin.destroy(); lines.close(); });
      process.on('exit', () => require('node:fs').writeFileSync('gone', ''));
    });`);
  const { session } = stage;
  session.withholdAcks = true;
  await stage.start({ claude });
  await session.until(() => session.lines.length >= 16);
  session.prompt('go');
  await expect.poll(() => existsSync(stage.path('workspace/gone'))).toBe(true);
  session.withholdAcks = false;
  session.breakLink();
  await session.notice('exited');
  expect(session.lines).toHaveLength(33);
  expect(session.items.slice(-2)).toEqual(['{"last":true}', { notice: 'exited', code: 0, signal: null, stderr: '' }]);
});

test.each([
  ['that is not JSON', 'nonsense\n'],
  ['that cannot be', '{"kind":"ack","stored":999}\n'],
  ['that is the runner’s', '{"kind":"model","held":true}\n'],
  [
    'after a missing one',
    '{"kind":"command","number":9,"command":{"command":"interrupt","message_id":"0190a0a0-0000-7000-8000-000000000000"}}\n',
  ],
])('a frame %s costs the connection, not the conversation', async (_, frame) => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => { initialised(line); lines.on('line', () => say('{"heard":true}')); });`);
  const { session } = stage;
  const wrapper = await stage.start({ claude });
  await session.notice('ready');
  const { connections } = session;
  session.sendRaw(frame);
  await session.until(() => session.connections > connections);
  session.prompt('still there?');
  await session.until(() => session.lines.length > 0);
  wrapper.signal('SIGTERM');
  expect((await wrapper.exit).stderr).toContain('link dropped');
});

test('a frame of a kind that the wrapper does not know is passed over: the edge is newer', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => { initialised(line); lines.on('line', () => say('{"heard":true}')); });`);
  const { session } = stage;
  const wrapper = await stage.start({ claude });
  await session.notice('ready');
  session.sendRaw('{"kind":"of_next_year"}\n');
  session.prompt('still there?');
  await session.until(() => session.lines.length > 0);
  expect(session.connections).toBe(1);
  wrapper.signal('SIGTERM');
  expect((await wrapper.exit).stderr).not.toContain('link dropped');
});

test('a command that comes twice is handed on once, and acknowledged twice', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => { initialised(line); lines.on('line', (line) => say(JSON.stringify({ heard: line }))); });`);
  const { session } = stage;
  await stage.start({ claude });
  await session.notice('ready');
  const message_id = session.prompt('once');
  await session.until(() => session.taken === 1);
  session.send({ kind: 'command', number: 1, command: { command: 'prompt', message_id, prompt: 'once' } });
  await session.until(() => session.frames.filter((frame) => frame.kind === 'taken').length === 2);
  session.prompt('twice');
  await session.until(() => session.lines.length === 2);
  expect(session.lines.map((line) => JSON.parse(String(line['heard'])).message.content[0].text)).toEqual([
    'once',
    'twice',
  ]);
});

test('a request that nobody here knows is refused, so that it is not waited for, and shown', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => {
      initialised(line);
      lines.once('line', (heard) => say(JSON.stringify({ heard: JSON.parse(heard) })));
      say(JSON.stringify({ type: 'control_request', request_id: 'r1', request: { subtype: 'surprise' } }));
    });`);
  const { session } = stage;
  await stage.start({ claude });
  const heard = await session.until(() => session.lines.find((line) => 'heard' in line));
  expect(heard).toMatchObject({ heard: { response: { subtype: 'error', request_id: 'r1' } } });
  expect(session.lines[0]).toMatchObject({ type: 'control_request' });
});

test('an answer that claude is no longer there to read stays the session’s', async () => {
  await using stage = await Stage.open();
  const request = { subtype: 'can_use_tool', tool_name: 'Bash', input: {}, tool_use_id: 'toolu_1' };
  const asks = JSON.stringify({ type: 'control_request', request_id: 'r1', request });
  const claude = await stage.standIn(`${INITIALISE}
    lines.once('line', (line) => {
      initialised(line);
      say(${JSON.stringify(asks)});
      lines.once('line', () => process.exit(3));
    });`);
  const { session } = stage;
  session.withholdAcks = true;
  await stage.start({ claude, config: { permission_mode: 'ask' } });
  const { interaction_id } = await session.notice('asked');
  session.prompt('go');
  await session.notice('exited');
  for (const resolution of [
    { kind: 'decision', decision: 'allow', message: null },
    { kind: 'decision', decision: 'deny', message: null },
  ] as const)
    session.order({ command: 'resolve', interaction_id, resolution });
  session.withholdAcks = false;
  session.breakLink();
  await session.until(() => session.connections > 1);
  expect(session.taken).toBe(1);
  expect(session.all('withdrawn')).toEqual([]);
});

test('a launch file that is missing or malformed is one clear line and exit 1', async () => {
  await using stage = await Stage.open();
  const wrapper = await stage.start({ session_id: 'not a uuid' });
  const { code, stderr } = await wrapper.exit;
  expect(code).toBe(1);
  expect(stderr).toContain('session_id');
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
