import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SECRET, Service } from '../../support/e2e/service.ts';
import { CliUser } from '../../support/terminal/cli-user.ts';
import { until } from '../../support/until.ts';

/** Each verb in a pipe, with a real service, the real `claude` and the demo model. */

let service: Service;
let user: CliUser;
let session = '';
beforeAll(async () => {
  service = await Service.start({ backend: 'process' });
  user = await CliUser.create({ JWT_SECRET: SECRET });
});
afterAll(async () => {
  await service.stop();
  await user.remove();
});

/** What a command prints, which has to succeed. */
async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await user.run(args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
}
const json = async (...args: string[]) => JSON.parse(await printed(...args, '--json'));

test('without a login, it says how to log in', async () => {
  const { code, stdout, stderr } = await user.run(['ls']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    'cc-docker: You are not logged in. `cc-docker login` does it on the machine of the service; elsewhere `cc-docker login URL --code CODE`.\n',
  );
});

test('login: on the machine of the service without a code, and elsewhere with one, which is good once', async () => {
  expect(await json('login', service.url, '--sub', 'alice', '--name', 'home')).toMatchObject({
    context: 'home',
    url: service.url,
    sub: 'alice',
  });
  const file = path.join(user.home, '.config', 'cc-docker', 'contexts.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const code = (await service.loginCode('alice')).trim();
  expect(await printed('login', `${service.url}/#code=${code}`, '--name', 'again')).toContain('as alice');
  const used = await user.run(['login', service.url, '--code', code, '--json']);
  expect({ code: used.code, error: JSON.parse(used.stderr).error.code }).toEqual({ code: 1, error: 'login_code_used' });
  expect(await json('context', 'ls')).toMatchObject({
    current: 'again',
    contexts: [{ name: 'home' }, { name: 'again' }],
  });
  await printed('context', 'use', 'home');
  await printed('context', 'rm', 'again');
  expect((await user.run(['ls', '--context', 'again'])).stderr).toContain('There is no context again. There is home.');
});

test('token: prints one that curl can use', async () => {
  const token = (await printed('token')).trim();
  const answer = await fetch(`${service.url}/api/v1/sessions`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  const minted = await user.run(['token', '--sub', 'bob', '--ttl', '1h']);
  expect(minted.stderr).toContain('`admin`');
  expect(minted.code).toBe(1);
});

test('run: prints what the agent does, and its exit code is how the turn ended', async () => {
  const { code, stdout, stderr } = await user.run(['run', '--title', 'haiku', 'Create hello.md saying "Hello"']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/session [0-9a-f-]{36}/) });
  session = /session ([0-9a-f-]{36})/.exec(stderr)?.[1] ?? '';
  expect(stdout).toContain('● Write hello.md');
  expect(stdout).toContain('✓ done');
  // In a pipe there is no colour, and nothing that moves a cursor.
  expect(stdout).not.toContain('\u001B');
  const failed = await user.run(['run', '--session', session, '--quiet', '```demo\n[{"error":{"status":401}}]\n```']);
  expect({ code: failed.code, stdout: failed.stdout }).toEqual({ code: 1, stdout: '' });
  expect(failed.stderr).toContain('(model_auth_failed)');
  const answer = await user.run(['run', '-s', 'haiku', '-q', 'Say again:', '-'], { input: 'from a pipe\n' });
  expect({ code: answer.code, said: answer.stdout }).toEqual({ code: 0, said: expect.stringContaining('from a pipe') });
});

test('run --json: a line for each event', async () => {
  const { stdout } = await user.run(['run', '--json', '--session', session, 'Hello']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events[0].type).toBe('message.queued');
  expect(events.at(-1).type).toBe('message.completed');
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => events[0].seq + index));
});

test('ls, tree: by the end of its id, its title, or last', async () => {
  const list = await printed('ls');
  expect(list).toMatch(new RegExp(`^${session.slice(-8)}  idle .* haiku$`, 'm'));
  expect(await json('ls', '--status', 'stopped')).toEqual([]);
  expect((await printed('ls', '-q')).trim()).toBe(session);
  expect(await printed('tree', session.slice(-6))).toMatch(new RegExp(`^${session.slice(-8)}  idle  \\$`));
  expect((await user.run(['tree', 'nobody'])).stderr).toBe(
    'cc-docker: No session is called nobody. `cc-docker ls` lists yours.\n',
  );
});

test('logs: all of it, its end, and what comes after an event', async () => {
  const all = (await printed('logs', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(await printed('logs', 'last')).toContain('› Create hello.md saying "Hello"');
  const after = await printed('logs', '--json', '--after', String(all.length - 2));
  expect(after.trim().split('\n')).toHaveLength(2);
  expect((await printed('logs', '--json', '-n', '3')).trim().split('\n')).toHaveLength(3);
});

test('cp: files and folders, in and out; what leads outside is left out', async () => {
  expect(await printed('cp', 'last:hello.md', '-')).toBe('Hello\n');
  await printed('cp', 'haiku:/workspace/hello.md', '.');
  expect(readFileSync(path.join(user.home, 'hello.md'), 'utf8')).toBe('Hello\n');
  const folder = path.join(user.home, 'site');
  await mkdir(path.join(folder, 'deep'), { recursive: true });
  writeFileSync(path.join(folder, 'deep', 'run.sh'), 'echo hi');
  await chmod(path.join(folder, 'deep', 'run.sh'), 0o755);
  await printed('cp', 'site', `${session}:`);
  await printed('cp', 'hello.md', `${session}:site/`);
  expect((await user.run(['cp', '-', 'last:in.txt'], { input: 'from stdin' })).code).toBe(0);
  symlinkSync('/etc/passwd', service.workspace(session, 'site', 'out'));
  symlinkSync('run.sh', service.workspace(session, 'site', 'deep', 'beside'));
  mkdirSync(path.join(user.home, 'copy'));
  const copied = await user.run(['cp', 'last:site', 'copy']);
  expect({ code: copied.code, stderr: copied.stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('left out'),
  });
  const copy = path.join(user.home, 'copy', 'site');
  expect(readFileSync(path.join(copy, 'deep', 'run.sh'), 'utf8')).toBe('echo hi');
  expect(statSync(path.join(copy, 'deep', 'run.sh')).mode & 0o100).toBe(0o100);
  expect(readFileSync(path.join(copy, 'hello.md'), 'utf8')).toBe('Hello\n');
  expect(await readlink(path.join(copy, 'deep', 'beside'))).toBe('run.sh');
  await expect(readlink(path.join(copy, 'out'))).rejects.toThrow('ENOENT');
  expect(await printed('cp', 'last:in.txt', '-')).toBe('from stdin');
  expect((await user.run(['cp', 'last:no.txt', '.'])).code).toBe(1);
  expect((await user.run(['cp', 'a', 'b'])).code).toBe(2);
});

test('diff: a patch, and which files', async () => {
  expect(await printed('diff')).toContain('+Hello');
  expect(await printed('diff', '--stat')).toContain('A hello.md\n');
});

test('send, inbox, answer, approve, deny: what waits for a person', async () => {
  const ask =
    '```demo\n[{"tool":"mcp__cc-docker__ask_user","input":{"question":"Which colour?","options":["red","blue"]}},{"text":"It is {{last_tool_result}}"}]\n```';
  const message = (await printed('send', session, ask)).trim();
  expect(message).toMatch(/^[0-9a-f-]{36}$/);
  const waiting = await until(async () => {
    const [found] = await json('inbox');
    expect(found.subject.questions[0].question).toBe('Which colour?');
    return found;
  });
  expect(await printed('inbox')).toContain('Which colour?');
  const id = waiting.interaction_id.slice(-8);
  expect((await user.run(['approve', id])).stderr).toContain('It is a question');
  await printed('answer', id, '2');
  await until(async () => expect(await printed('logs')).toContain('It is blue'));
  const asking = (
    await printed('run', '-d', '--permission-mode', 'ask', '--allow', 'Read', '--title', 'asks', TOOLS)
  ).trim();
  for (const [verb, ...words] of [['approve'], ['deny', 'not', 'that']] as const) {
    const [{ interaction_id }] = await until(async () => {
      const found = await json('inbox');
      expect(found).toHaveLength(1);
      return found;
    });
    await printed(verb ?? '', interaction_id.slice(-8), ...words);
    await until(async () =>
      expect((await json('inbox')).map(({ interaction_id: id }: { interaction_id: string }) => id)).not.toContain(
        interaction_id,
      ),
    );
  }
  await until(async () => expect(await printed('logs', asking)).toContain('not that'));
});

const TOOLS =
  '```demo\n[{"tool":"Bash","input":{"command":"touch one"}},{"tool":"Bash","input":{"command":"touch two"}},{"text":"{{last_tool_result}}"}]\n```';

test('ports: share, list, prolong, remove', async () => {
  const shared = await user.run(['ports', session, '5173', '--label', 'the app', '--ttl', '2h']);
  expect(shared).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing listens on port 5173') });
  const url = shared.stdout.trim();
  expect(url).toMatch(/^http:\/\/[a-z2-7]{48}\.localhost:\d+\/\?cc_docker_key=[0-9a-f]{32}$/);
  expect(await printed('ports', session)).toMatch(/^5173 +no +the app +1h +http/m);
  expect(await json('ports', session)).toMatchObject({ data: [{ port: 5173, label: 'the app', url }], listening: [] });
  expect(await json('ports', session, '5173')).toMatchObject({ url, label: 'the app' });
  expect(await json('ports', session, '5173', '--rm')).toEqual({ port: 5173 });
  expect((await user.run(['ports', session, '5173', '--rm'])).stderr).toContain('is not shared');
  expect((await json('ports', session)).data).toEqual([]);
});

test('interrupt, stop, fork, rm', async () => {
  const hang = (await printed('run', '-d', '```demo\n[{"text":"begun "},{"hang":true}]\n```')).trim();
  // It has only begun to start.
  expect((await user.run(['rm', hang])).stderr).toContain('is at work. Stop it first');
  await until(async () =>
    expect((await json('ls', '--status', 'running')).map(({ session_id: id }: { session_id: string }) => id)).toContain(
      hang,
    ),
  );
  expect((await user.run(['rm', hang])).stderr).toContain('is at work. Stop it first');
  expect(await json('interrupt', hang)).toMatchObject([{ session_id: hang, interrupted: true }]);
  expect(await json('stop', hang, session)).toMatchObject([{ session_id: hang }, { session_id: session }]);
  const forked = (await printed('fork', session, '--title', 'forked')).trim();
  await printed('rm', '-f', hang, 'forked');
  const left = await json('ls');
  expect(left.map(({ session_id: id }: { session_id: string }) => id)).not.toContain(forked);
  expect(await printed('send', '-w', session, 'Awake?')).toContain('Awake?');
});

test('env: set from JSON, a script or both, listed, shown as it is set, used by run, removed', async () => {
  const json = { env: { COLOUR: 'green' }, network: { allow: ['example.org'], presets: [] } };
  expect((await user.run(['env', 'set', 'tools', '-'], { input: JSON.stringify(json) })).stdout).toBe('tools\n');
  expect(JSON.parse(await printed('env', 'show', 'tools'))).toEqual(json);
  const colour =
    '```demo\n[{"tool":"Bash","input":{"command":"echo It is $COLOUR"}},{"text":"{{last_tool_result}}"}]\n```';
  expect(await printed('run', '--rm', '-q', '--environment', 'tools', colour)).toBe('It is green\n');
  const nothing = await user.run(['env', 'build', 'tools']);
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('there is nothing to build') });

  writeFileSync(path.join(user.home, 'setup.sh'), 'apt-get install -y jq\n');
  writeFileSync(path.join(user.home, 'tools.json'), await printed('env', 'show', 'tools'));
  await printed('env', 'set', 'tools', 'tools.json', '--setup', 'setup.sh');
  expect(await printed('env')).toMatch(/^tools {2}you .* apt-get install -y jq$/m);
  expect((await user.run(['env', 'log', 'tools'])).stderr).toContain('There is no such build of tools');
  expect((await user.run(['env', 'set', 'tools', '--image', 'python'])).stderr).toContain('ENVIRONMENT_IMAGES');
  await until(async () => expect(await values('env', 'rm', 't')).toEqual(['tools']));
  expect(await printed('env', 'rm', 'tools')).toBe('tools\n');
});

test('an expired token, a service that is dead, and one that is none are one line with what to do', async () => {
  const expired = await service.token('alice', {}, -3600);
  const env = { CC_DOCKER_URL: service.url, CC_DOCKER_TOKEN: expired };
  expect(await user.run(['ls'], { env })).toEqual({
    code: 1,
    stdout: '',
    stderr: `cc-docker: The token has expired. \`cc-docker login ${service.url}\` gets another.\n`,
  });
  const dead = { CC_DOCKER_URL: 'http://127.0.0.1:9', CC_DOCKER_TOKEN: 'x' };
  const { code, stderr } = await user.run(['ls'], { env: dead });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'cc-docker: http://127.0.0.1:9 does not answer. Start it there (`cc-docker start`), or see what is wrong with `cc-docker doctor`.\n',
  });
  const doctor = await user.run(['doctor', '--json'], { env: { ...dead, PORT: '9' } });
  expect(doctor.code).toBe(1);
  const { findings } = JSON.parse(doctor.stdout) as { findings: { what: string; state: string; remedy: string }[] };
  expect(findings.find(({ what }) => what === 'service')).toMatchObject({ state: 'bad', remedy: 'cc-docker start' });
  expect(findings.every(({ state, remedy }) => state !== 'bad' || remedy !== '')).toBe(true);
});

test('doctor: what a service that is well has', async () => {
  const { findings } = JSON.parse((await user.run(['doctor', '--json'])).stdout) as {
    findings: { what: string; state: string }[];
  };
  const well = findings.filter(({ state }) => state === 'ok').map(({ what }) => what);
  expect(well).toEqual(expect.arrayContaining(['Node', 'service', 'runner e2e', 'clock', 'token']));
});

test('wrong usage is exit code 2', async () => {
  for (const args of [
    ['ports', 'last', '0'],
    ['ports', 'last', '--rm'],
    ['bogus'],
    ['ls', '--nope'],
    ['ls', '--status', 'tired'],
    ['stop'],
    ['logs', '--after', 'x'],
    ['run'],
  ]) {
    const { code, stderr } = await user.run(args);
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }
});

test('completion: verbs, options, and what the service knows, in each shell’s script', async () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    expect(await printed('completion', shell)).toContain('cc-docker __complete');
  expect(await values('in')).toEqual(['interrupt', 'inbox']);
  expect(await values('ls', '--status', 'st')).toEqual(['starting', 'stopped']);
  await until(async () => expect(await values('attach', session.slice(-8, -4))).toEqual([session.slice(-8)]));
});

/** What the last of these words can be completed to. Of what a service does not say while a person waits, it is nothing: ask again. */
async function values(...words: string[]): Promise<(string | undefined)[]> {
  const lines = (await printed('__complete', ...words)).split('\n').filter((line) => line !== '');
  return lines.map((line) => line.split('\t')[0]);
}
