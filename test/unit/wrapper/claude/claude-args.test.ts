import { expect, test } from 'vitest';
import { launchConfig } from '../../../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../../../protocol/link/wrapper/wrapper-launch.ts';
import { claudeCall } from '../../../../wrapper/claude/claude-args.ts';
import { mcpServers } from '../../../../wrapper/mcp/mcp-servers.ts';

const SESSION = '0190a0a0-0000-7000-8000-000000000000';

function call(config: object, resume = false, given: Partial<WrapperLaunch> = {}, skills: string | null = null) {
  const launch: WrapperLaunch = {
    session_id: SESSION,
    epoch: 1,
    resume,
    claude: '/opt/claude',
    cwd: '/workspace',
    env: {},
    link_socket: '/run/link.sock',
    seal: false,
    scratch: '/scratch',
    ...given,
    config: launchConfig.parse({ agent_tools: [], ...config }),
  };
  return claudeCall(launch, { servers: mcpServers(launch).servers, skills });
}

const line = (config: object): string => call(config).args.join(' ');

test('a first launch names the session, a further one resumes it', () => {
  expect(line({})).toContain(`--session-id ${SESSION}`);
  expect(call({}, true).args.join(' ')).toContain(`--resume ${SESSION}`);
});

test('a fork continues another conversation under its own name, and is resumed as itself', () => {
  const fork_of = '0190a0a0-0000-7000-8000-000000000001';
  expect(call({}, false, { fork_of }).args.join(' ')).toContain(
    `--resume ${fork_of} --fork-session --session-id ${SESSION}`,
  );
  expect(call({}, true, { fork_of }).args.join(' ')).not.toContain('--fork-session');
});

test.each([
  ['opus-4', 'opus'],
  ['sonnet-4', 'sonnet'],
  ['haiku-4', 'haiku'],
  ['claude-opus-5-5', 'claude-opus-5-5'],
])('the model %s is %s', (model, name) => {
  expect(line({ model })).toContain(`--model ${name}`);
});

test('without a model Claude Code chooses its own', () => {
  expect(line({})).not.toContain('--model');
});

test('a system prompt longer than an argument may be goes by a file, also for a resumed session', () => {
  const text = '-é'.repeat(100_000);
  const { args, files } = call({ system_prompt: text });
  expect(files).toEqual([{ path: '/scratch/system-prompt.txt', text }]);
  expect(args.join(' ')).toContain(
    '--append-system-prompt-file /scratch/system-prompt.txt --system-prompt-snapshot off',
  );
});

test('MCP servers go by a file, and no others are looked for', () => {
  const servers = { docs: { type: 'http', url: 'http://docs.test/mcp', headers: { 'x-key': 'k' } } };
  const { args, files } = call({ mcp_servers: servers });
  expect(files).toEqual([{ path: '/scratch/mcp.json', text: JSON.stringify({ mcpServers: servers }) }]);
  expect(args.join(' ')).toContain('--mcp-config /scratch/mcp.json');
  expect(line({})).toContain('--strict-mcp-config');
});

test('all tools without asking, or those alone that are listed', () => {
  expect(line({ allowed_tools: ['*'] })).toContain('--permission-mode bypassPermissions');
  const rules = ['Read', 'Bash(git log *)', 'Bash(git diff, *)', 'mcp__docs__search'];
  const { args } = call({ allowed_tools: rules });
  expect(args).toEqual(
    expect.arrayContaining(['dontAsk', '--tools=Read,Bash', ...rules.map((r) => `--allowedTools=${r}`)]),
  );
  expect(args).not.toContain('bypassPermissions');
});

test.each([
  ['ask', 'default'],
  ['accept_edits', 'acceptEdits'],
  ['plan', 'plan'],
])('%s asks the wrapper about what the session does not name', (permission_mode, mode) => {
  const { args } = call({
    permission_mode,
    allowed_tools: ['*', 'Bash(git log *)', '--tools'],
    agent_tools: ['ask_user', 'notify_user'],
  });
  const text = args.join(' ');
  expect(text).toContain(`--permission-mode ${mode} --permission-prompt-tool stdio`);
  // The agent may begin to plan in any of them: then a person is asked, not a model.
  expect(text).toContain('--settings {"useAutoModeDuringPlan":false}');
  expect(args.filter((arg) => arg.startsWith('--allowedTools'))).toEqual([
    '--allowedTools=Bash(git log *)',
    '--allowedTools=--tools',
    '--allowedTools=mcp__cc-docker__ask_user',
    '--allowedTools=mcp__cc-docker__notify_user',
  ]);
  expect(text).not.toContain('--tools=');
});

test('named skills are there, beside a closed list of tools too; no rule allows them more than to be read', () => {
  const skills = ['delegate-task'];
  expect(call({ skills }, false, {}, '/scratch/skills').args.join(' ')).toContain('--add-dir /scratch/skills');
  const { args } = call({ skills, allowed_tools: ['Read'] });
  expect(args.filter((arg) => /--(allowedTools|tools)=/.test(arg))).toEqual([
    '--tools=Read,Skill',
    '--allowedTools=Read',
  ]);
  expect(line({})).not.toMatch(/add-dir|Skill/);
});

test('an empty list leaves no tool', () => {
  expect(call({ allowed_tools: [] }).args).toContain('--tools=');
});

test('a rule cannot smuggle an option or the word for all tools', () => {
  const { args } = call({ allowed_tools: ['--dangerously-skip-permissions', 'default', '--tools'] });
  expect(args).toContain('--tools=');
  expect(args.filter((arg) => arg.includes('dangerously'))).toEqual(['--allowedTools=--dangerously-skip-permissions']);
});
