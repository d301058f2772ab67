import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import stringWidth from 'string-width';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { CliUser } from '../../support/terminal/cli-user.ts';
import { SilentServer } from '../../support/terminal/silent-server.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

/** The command in a real terminal, as a person uses it: what is seen, what is typed, Ctrl-C. */

let service: Service;
let user: CliUser;
beforeAll(async () => {
  service = await Service.start({ backend: 'process' });
  user = await CliUser.create({ CC_DOCKER_URL: service.url, CC_DOCKER_TOKEN: await service.token('alice') });
});
afterAll(async () => {
  await service.stop();
  await user.remove();
});

const demo = (...steps: object[]) => `Please.\n\`\`\`demo\n${JSON.stringify(steps)}\n\`\`\``;
/** A text in some style. @param code that the style ends with */
const styled = (text: string, code = '') => new RegExp(`\u001B\\[[0-9;]*${code}m${text}`);
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const SLOW = demo({ text: 'one two three four five six seven eight nine ten ', tokens_per_second: 2, repeat: 50 });
const ids = async () => (await user.run(['ls', '-q'])).stdout.trim().split('\n');

test('run: words appear as they are said, in colour; Ctrl-C ends the turn, and the exit code says so', async () => {
  const terminal = await user.terminal(`run ${quoted(SLOW)}`);
  await terminal.shows('two three');
  expect(await terminal.screen(true)).toMatch(styled('', '2'));
  await terminal.press('C-c');
  await terminal.shows('ending the turn');
  expect(await terminal.exitCode()).toBe(130);
  expect(await terminal.screen()).toContain('(interrupted)');
  // The session takes the next message.
  const { stdout } = await user.run(['send', '-w', 'last', 'Are you there?']);
  expect(stdout).toContain('Are you there?');
});

test('run: what the agent asks, a person answers in the line', async () => {
  const prompt = demo(
    { tool: 'mcp__cc-docker__ask_user', input: { question: 'Which colour?', options: ['red', 'blue'] } },
    { tool: 'Bash', input: { command: 'touch asked' } },
    { text: 'It is {{result_0}}, and {{last_tool_result}}' },
  );
  const terminal = await user.terminal(
    `run --permission-mode ask --allow mcp__cc-docker__ask_user -- ${quoted(prompt)}`,
  );
  await terminal.shows(/\? Which colour\?\s+1 {2}red\s+2 {2}blue\s+1-2, or text ›/);
  await terminal.type('2');
  await terminal.shows(/may it use Bash[\s\S]*command: touch asked\s+y, n, or a \(always\) ›/);
  await terminal.type('perhaps');
  await terminal.shows('type y (yes)');
  await terminal.type('y');
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toMatch(/It is blue, and/);
});

test('attach: history, then live; typed messages, answers, Esc ends the turn, Ctrl-C leaves', async () => {
  const { stdout } = await user.run(['run', '-d', '--permission-mode', 'ask', '--title', 'talk', 'Hello there']);
  const session = stdout.trim();
  const terminal = await user.terminal('attach talk');
  await terminal.shows('› Hello there');
  await terminal.shows(/\n›$/);
  await terminal.type('How are you?');
  await terminal.shows(/› How are you\?[\s\S]*✓ done/);
  // What is half typed stays below what the agent says meanwhile.
  await terminal.press('h');
  await terminal.press('m');
  await user.run(['send', '-w', session, 'From elsewhere']);
  await terminal.shows(/› From elsewhere[\s\S]*✓ done[^\n]*\n› hm$/);
  await terminal.press('C-u');
  // What was typed is shown once.
  expect((await terminal.screen()).split('› How are you?')).toHaveLength(2);
  const denied = demo({ tool: 'Bash', input: { command: 'touch denied' } }, { text: '{{last_tool_result}}' });
  await user.run(['send', session, denied]);
  await terminal.shows('y, n, or a (always) ›');
  await terminal.type('n not in here');
  await terminal.shows(/denied by alice|not in here/);
  await user.run(['send', session, SLOW]);
  await terminal.shows('one two three');
  await terminal.press('Escape');
  await terminal.shows('(interrupted)');
  await terminal.press('C-c');
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain(`left ${session}, which goes on`);
});

test('logs -f: what was, and what comes; Ctrl-C ends it', async () => {
  const terminal = await user.terminal('logs -f talk');
  await terminal.shows('› Hello there');
  await user.run(['send', '-w', 'talk', 'One more thing']);
  await terminal.shows('› One more thing');
  await terminal.press('C-c');
  expect(await terminal.exitCode()).toBe(130);
});

test('inbox --watch, ls --watch: what changes is seen where it stands, until Ctrl-C', async () => {
  const inbox = await user.terminal('inbox --watch');
  await inbox.shows('nothing waits for you');
  const list = await user.terminal('ls --watch');
  await list.shows(/ID +STATUS/);
  const ask = demo({ tool: 'mcp__cc-docker__ask_user', input: { question: 'Which way?', options: ['left', 'right'] } });
  const session = (await user.run(['run', '-d', '--title', 'the way', ask])).stdout.trim();
  await inbox.shows(/the way +\S+ +Which way\?/);
  expect(await inbox.screen()).not.toContain('nothing waits');
  await list.shows(new RegExp(`${session.slice(-8)} +running.* 1 +the way`));
  const [waiting] = JSON.parse((await user.run(['inbox', '--json'])).stdout) as { interaction_id: string }[];
  expect((await user.run(['answer', waiting?.interaction_id ?? '', 'left'])).code).toBe(0);
  await inbox.shows('nothing waits for you');
  expect(await inbox.screen()).not.toContain('Which way?');
  await list.shows(new RegExp(`${session.slice(-8)} +idle`));
  await user.run(['rm', session]);
  await until(async () => expect(await list.screen()).not.toContain(session.slice(-8)));
  for (const terminal of [inbox, list]) {
    await terminal.press('C-c');
    expect(await terminal.exitCode()).toBe(130);
  }
});

test('a service that goes away and comes back: the stream goes on', async () => {
  const terminal = await user.terminal('attach talk');
  await terminal.shows(/›$/);
  const list = await user.terminal('ls --watch');
  await list.shows(/ID +STATUS/);
  await service.stopEdge();
  await terminal.shows('the connection broke');
  await list.shows('the connection broke');
  await service.startEdge();
  await until(async () => expect(await list.screen()).not.toContain('the connection broke'));
  await list.press('C-c');
  await user.run(['send', '-w', 'talk', 'Back again']);
  await terminal.shows('› Back again');
  await terminal.press('C-d');
  expect(await terminal.exitCode()).toBe(0);
});

test('a narrow terminal: no line of a table is broken, and the rest is readable', async () => {
  for (const columns of [24, 40]) {
    for (const verb of ['ls', 'tree', 'inbox']) {
      const terminal = await user.terminal(verb, { columns });
      expect(await terminal.exitCode()).toBe(0);
      const lines = (await terminal.screen()).replace(/\[exit code.*/, '').split('\n');
      for (const line of lines)
        expect({ verb, line, fits: stringWidth(line) <= columns }).toEqual({ verb, line, fits: true });
    }
  }
  const [id = ''] = await ids();
  const list = await user.terminal('ls', { columns: 24 });
  await list.shows(new RegExp(`^${id.slice(-8)} +\\w+`, 'm'));
  const attached = await user.terminal('attach talk', { columns: 24 });
  await attached.shows(/\n›$/);
  await attached.press('C-c');
  expect(await attached.exitCode()).toBe(0);
});

test('NO_COLOR: no colour, with all else as before', async () => {
  const terminal = await user.terminal('ls', { env: { NO_COLOR: '1' } });
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen(true)).not.toMatch(styled('(idle|stopped|running)'));
  const coloured = await user.terminal('ls');
  expect(await coloured.exitCode()).toBe(0);
  expect(await coloured.screen(true)).toMatch(styled('(idle|stopped|running)'));
});

test('env build: says why it waits; Ctrl-C leaves no session behind', async () => {
  await user.run(['env', 'set', 'tools', '--setup', '-'], { input: 'true\n' });
  const before = await ids();
  const terminal = await user.terminal('env build tools');
  await terminal.shows(/session queued: .*no runner that is connected builds such images/);
  await terminal.press('C-c');
  expect(await terminal.exitCode()).toBe(130);
  expect(await ids()).toEqual(before);
});

test('Ctrl-C ends every verb that waits', async () => {
  const verbs = [
    'ls',
    'attach last',
    'logs last',
    'send last hi',
    'inbox',
    'inbox --watch',
    'ls --watch',
    'answer x y',
    'approve x',
    'deny x',
    'interrupt last',
  ]
    .concat(['stop last', 'rm last', 'cp last:a .', 'diff', 'fork last', 'tree', 'run hi', 'token --sub bob', 'doctor'])
    .concat(['login $CC_DOCKER_URL --code x']);
  for (const verb of verbs) {
    // Nothing ever answers there. One for each verb: a connection that comes is this verb's, which so listens for Ctrl-C. (The
    // second one of `doctor` may be taken when the next verb has not begun.)
    const silent = await SilentServer.start();
    const terminal = await user.terminal(verb, { env: { CC_DOCKER_URL: silent.url } });
    await until(() => expect({ verb, connections: silent.connections }).not.toEqual({ verb, connections: 0 }));
    await terminal.press('C-c');
    expect({ verb, code: await terminal.exitCode() }).toEqual({ verb, code: 130 });
    expect({ verb, screen: (await terminal.screen()).replace('^C', '').trim() }).toEqual({
      verb,
      screen: expect.not.stringMatching(/Error|at /),
    });
    silent.stop();
  }
});

test('Ctrl-C ends a verb that reads what is typed', async () => {
  for (const verb of ['run -', 'send last -', 'env set tools -', 'env set tools --setup -', 'login --token -']) {
    const command = user.begin(verb.split(' '));
    const ended = once(command, 'close');
    command.stdin.on('error', () => {});
    // More than a pipe takes: when it is gone, the command reads, and waits for the rest.
    await new Promise<void>((resolve) => void command.stdin.write(' '.repeat(1024 * 1024), () => resolve()));
    command.kill('SIGINT');
    expect([verb, ...(await ended)]).toEqual([verb, 130, null]);
  }
});

test('a pipe that is closed ends it without a word', async () => {
  const terminal = await user.terminal('logs talk | head -n 1; echo after');
  const screen = await terminal.shows('after');
  expect(screen).not.toMatch(/EPIPE|Error/);
});

test('start: the service in the foreground, with its prompt, until Ctrl-C', async () => {
  const env = {
    PORT: '0',
    CC_DOCKER_DATA: path.join(user.home, 'data'),
    RUNNER_BACKEND: 'process',
    TMPDIR: user.home,
    ...Object.fromEntries(
      ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_BASE_URL', 'JWT_SECRET'].map(
        (name) => [name, ''],
      ),
    ),
  };
  const terminal = await user.terminal('start "Say hello"', { columns: 200, env });
  const screen = await terminal.shows('still serving');
  expect(screen).toMatch(/cc-docker login http:\/\/127\.0\.0\.1:\d+ --code eyJ/);
  expect(screen).toContain('✓ done');
  await terminal.press('C-c');
  expect(await terminal.exitCode()).toBe(0);
});

test('completion in bash: what is typed is completed, and never run', async () => {
  const [session = ''] = await ids();
  const bin = path.join(PROJECT, 'cli', 'bin.mjs');
  const script = `cc-docker() { ${process.execPath} ${bin} "$@"; }; source <(cc-docker completion bash)
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cc_docker; printf '%s\\n' "\${COMPREPLY[@]}"; }
complete_words cc-docker appr
complete_words cc-docker stop ${session.slice(-8, -4)}
complete_words cc-docker run '$(touch evil)' --mo`;
  // A service that does not answer while a person waits completes nothing: on a busy machine, they press Tab again.
  await until(async () => {
    const bash = spawn('bash', ['-c', script], { cwd: user.home, env: user.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    bash.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(bash, 'close');
    expect(said.trim().split('\n')).toEqual(['approve', session.slice(-8), '--model']);
  });
  expect(existsSync(path.join(user.home, 'evil'))).toBe(false);
});
