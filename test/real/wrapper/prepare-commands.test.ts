import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import { makeRepository, serveFiles } from '../../support/wrapper/git-server.ts';
import { Stage } from '../../support/wrapper/run-wrapper.ts';
import { until } from '../../support/until.ts';

const CLAUDE = `
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
say({ made: require('node:fs').existsSync('repo/made') });
require('node:readline').createInterface({ input: process.stdin }).once('line', (line) => say({ type: 'control_response',
  response: { subtype: 'success', request_id: JSON.parse(line).request_id, response: { claude_code_version: '0.0.1' } } }));
`;

type Commands = NonNullable<WrapperLaunch['prepare']>['commands'];
const sh = (name: string, script: string) => ({ name, argv: ['/bin/sh', '-c', script] });

const ended = (name: string, output: string) => ['command', { name, ms: expect.any(Number), output }];

async function setUp() {
  const stage = await Stage.open();
  const claude = await stage.standIn(CLAUDE);
  makeRepository(stage.path('server'));
  const server = await serveFiles(stage.path('server'));
  const disposables = new AsyncDisposableStack();
  disposables.use(stage);
  disposables.use(server);
  const git = { repositories: [{ repo: `${server.url}/repo.git`, path: 'repo' }] };
  const start = (commands: Commands) => stage.start({ claude, git, prepare: { folder: 'repo', commands } });
  return { stage, session: stage.session, start, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}

test('commands run in the repository, in their order, after the clone and before claude', async () => {
  await using set = await setUp();
  const { session, stage } = set;
  const wrapper = await set.start([
    sh('onCreateCommand', 'cat hello.txt; echo wrong >&2; echo one > made'),
    { name: 'postCreateCommand: words', argv: ['sh', '-c', 'echo "$1" >> made', 'sh', 'a b'] },
    // What it leaves running does not hold up what follows.
    sh(
      'postCreateCommand: server',
      '(while [ ! -e ../stop ]; do sleep 0.1; done; echo late; touch ../stopped) & echo up',
    ),
  ]);
  const prepared = await session.notice('prepared');
  expect(prepared).toEqual({ notice: 'prepared', after_clone: true });
  const told = session.notices.map(({ notice, ...rest }) => [notice, rest]);
  const place = { repo: expect.any(String), path: 'repo' };
  expect(told).toEqual([
    ['cloning', place],
    ['cloned', { ...place, commit: expect.any(String), ms: expect.any(Number), more: true }],
    ['command', { name: 'onCreateCommand' }],
    ended('onCreateCommand', expect.stringMatching(/^(hello\nwrong|wrong\nhello)$/)),
    ['command', { name: 'postCreateCommand: words' }],
    ended('postCreateCommand: words', ''),
    ['command', { name: 'postCreateCommand: server' }],
    ended('postCreateCommand: server', 'up'),
    ['prepared', { after_clone: true }],
  ]);
  expect(readFileSync(stage.path('workspace/repo/made'), 'utf8')).toBe('one\na b\n');
  expect(session.lines).toEqual([]);
  session.send({ kind: 'go' });
  await session.notice('ready');
  expect(session.lines[0]).toEqual({ made: true });
  // It lives on beside the agent.
  writeFileSync(stage.path('workspace/stop'), '');
  await until(() => expect(existsSync(stage.path('workspace/stopped'))).toBe(true));
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0, stderr: '' });
});

test.each<[string, Commands[number], RegExp]>([
  ['fails', sh('onCreateCommand', 'echo why; exit 3'), /^onCreateCommand exited with code 3\.\nwhy$/],
  ['is killed', sh('onCreateCommand', 'kill -9 $$'), /^onCreateCommand exited with SIGKILL\.$/],
  [
    'is not there',
    { name: 'onCreateCommand', argv: ['nothing-there'] },
    /could not be started: .*nothing-there ENOENT/,
  ],
  ['cannot be', { name: 'onCreateCommand', argv: ['a\0b'] }, /could not be started: /],
  [
    'writes without end before',
    sh('onCreateCommand', `head -c 9000000 /dev/zero | tr '\\0' x; echo last; exit 1`),
    /exited with code 1\.\nx{4000,4096}\s*last$/,
  ],
])('a command that %s ends the launch, with its words, and nothing runs after it', async (_, command, why) => {
  await using set = await setUp();
  const wrapper = await set.start([command, sh('postCreateCommand', 'touch after')]);
  const { name, detail } = await set.session.notice('prepare_failed');
  expect([name, detail]).toEqual(['onCreateCommand', expect.stringMatching(why)]);
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(set.session.items.at(-1)).toMatchObject({ notice: 'prepare_failed' });
  expect(existsSync(set.stage.path('workspace/repo/after'))).toBe(false);
});

test('a stop ends a command that hangs, with all that it started', async () => {
  await using set = await setUp();
  const wrapper = await set.start([sh('onCreateCommand', 'echo $$ > ../pid; sleep 1000 & sleep 1000')]);
  const group = await until(() => {
    const pid = Number(readFileSync(set.stage.path('workspace/pid'), 'utf8'));
    expect(pid).toBeGreaterThan(0);
    return pid;
  });
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0, stderr: '' });
  await until(() => expect(() => process.kill(-group, 0)).toThrow('ESRCH'));
  expect(set.session.notices.map(({ notice }) => notice)).not.toContain('prepared');
});
