import { describe, expect, test } from 'vitest';
import { childConfigOf } from '../../../../../../durable/session/core/children/child-config.ts';
import {
  childConfig,
  sessionConfig,
  type SessionConfig,
} from '../../../../../../protocol/api/session/session-config.ts';

const parentOf = (config: object = {}) => sessionConfig.parse(config);

function childOf(parent: object, asked: object): SessionConfig {
  const made = childConfigOf(parentOf(parent), childConfig.parse(asked));
  if ('refused' in made) throw new Error(made.detail);
  return made.config;
}

function refusal(parent: object, asked: object): string[] {
  const made = childConfigOf(parentOf(parent), childConfig.parse(asked));
  if (!('refused' in made)) throw new Error('it was not refused');
  expect(made.refused).toBe('child_too_wide');
  return (made.errors ?? []).map(({ path }) => path);
}

describe('a child that asks for nothing', () => {
  test('is as its parent, but for the system prompt and the budget', () => {
    const parent = {
      model: 'sonnet-4',
      system_prompt: 'You coordinate.',
      budget_usd: 5,
      allowed_tools: ['Read'],
      permission_mode: 'ask',
      secrets: ['npm'],
      answerers: ['bob'],
      interaction_reminders: 3,
      network: { allow: ['github.com'] },
      resources: { memory_mb: 512 },
      agent_tools: ['spawn_session'],
      max_turns: 7,
    };
    const { system_prompt: _prompt, budget_usd: _budget, ...inherited } = parentOf(parent);
    expect(childOf(parent, {})).toEqual(inherited);
  });
});

test('a child is in the pool of its parent, whatever labels it asks for', () => {
  const parent = { runner: { pool: 'gpu', labels: { zone: 'a' } } };
  expect(childOf(parent, {}).runner).toEqual(parent.runner);
  expect(childOf(parent, { runner: { labels: { zone: 'b' } } }).runner).toEqual({ pool: 'gpu', labels: { zone: 'b' } });
  expect(refusal(parent, { runner: { pool: 'default' } })).toEqual(['config.runner.pool']);
  expect(refusal({}, { runner: { pool: 'gpu' } })).toEqual(['config.runner.pool']);
  expect(childOf({}, { runner: { pool: 'default' } }).runner).toEqual({ pool: 'default' });
});

describe('a child may ask for less', () => {
  test.each([
    [{}, { permission_mode: 'plan' }],
    [{}, { allowed_tools: ['Read'] }],
    [{ allowed_tools: ['Read', 'Bash(ls:*)'] }, { allowed_tools: ['Bash(ls:*)'] }],
    [{ permission_mode: 'ask', allowed_tools: ['Read'] }, { allowed_tools: ['*'] }],
    [{ secrets: ['a', 'b'] }, { secrets: ['b'] }],
    [{ answerers: ['bob', 'carol'] }, { answerers: ['carol'] }],
    [{ answerers: ['bob'] }, { answerers: [], interaction_reminders: 5 }],
    [{ network: { allow: ['*.example.org'], presets: ['packages'] } }, { network: { allow: ['a.example.org'] } }],
    [{}, { network: {} }],
    [{ resources: { memory_mb: 1024 } }, { resources: { memory_mb: 512 } }],
    [{ budget_usd: 2 }, { budget_usd: 2 }],
    [{}, { budget_usd: 1000 }],
    [{ permission_default: 'allow' }, { permission_default: 'deny' }],
    [{ agent_tools: ['ask_user', 'spawn_session'] }, { agent_tools: ['ask_user'] }],
    [{}, { agent_tools: ['ask_user'] }],
    [{}, { mcp_servers: { own: { command: 'server' } } }],
    [{ env: { A: '1', B: '2' } }, { env: { C: '3' } }],
    [{ env: { A: '1' } }, { env: {} }],
    [{ allowed_tools: ['Read'], env: { A: '1', B: '2' } }, { env: { A: '1' } }],
    [{}, { model: 'opus', max_turns: 10_000, system_prompt: 'Else.' }],
  ])('%j, %j', (parent, asked) => {
    expect(childOf(parent, asked)).toMatchObject(childConfig.parse(asked));
  });

  test('and has its parent’s variables, unless it names its own', () => {
    expect(childOf({ env: { A: '1', B: '2' } }, {}).env).toEqual({ A: '1', B: '2' });
    expect(childOf({ env: { A: '1', B: '2' } }, { env: { B: '3' } }).env).toEqual({ B: '3' });
    expect(childOf({ env: { A: '1' } }, { env: {} }).env).toEqual({});
  });

  test('and keeps the limits that it does not name', () => {
    const parent = { resources: { memory_mb: 1024, cpus: 2 } };
    expect(childOf(parent, { resources: { memory_mb: 512 } }).resources).toEqual({ memory_mb: 512, cpus: 2 });
  });
});

describe('a child may not ask for more', () => {
  test.each([
    [{ permission_mode: 'ask' }, { permission_mode: 'accept_edits' }, ['config.permission_mode']],
    [{ permission_mode: 'ask' }, { permission_mode: 'bypass' }, ['config.permission_mode', 'config.allowed_tools']],
    [{ permission_mode: 'ask' }, { allowed_tools: ['Bash'] }, ['config.allowed_tools']],
    [{ allowed_tools: ['Read'] }, { allowed_tools: ['*'] }, ['config.allowed_tools']],
    [{ allowed_tools: ['Read'] }, { allowed_tools: ['Read', 'Bash'] }, ['config.allowed_tools']],
    [{ allowed_tools: ['Bash(ls:*)'] }, { allowed_tools: ['Bash'] }, ['config.allowed_tools']],
    [{}, { permission_default: 'allow' }, ['config.permission_default']],
    [{ secrets: ['a'] }, { secrets: ['a', 'b'] }, ['config.secrets']],
    [{ answerers: ['bob'] }, { answerers: ['bob', 'carol'] }, ['config.answerers']],
    [{}, { network: { allow: ['example.org'] } }, ['config.network.allow']],
    [{ network: { allow: ['example.org'] } }, { network: { presets: ['packages'] } }, ['config.network.presets']],
    [{ resources: { cpus: 1 } }, { resources: { cpus: 2 } }, ['config.resources.cpus']],
    [
      { resources: { workspace_files: 1000 } },
      { resources: { workspace_files: 2000 } },
      ['config.resources.workspace_files'],
    ],
    [{ budget_usd: 1 }, { budget_usd: 1.01 }, ['config.budget_usd']],
    [{ agent_tools: ['ask_user'] }, { agent_tools: ['spawn_session'] }, ['config.agent_tools']],
    [{ agent_tools: [] }, { agent_tools: ['ask_user'] }, ['config.agent_tools']],
    [{ allowed_tools: ['Read'] }, { mcp_servers: { own: { command: 'sh' } } }, ['config.mcp_servers.own']],
    [
      { allowed_tools: ['Read'], env: { A: '1' } },
      { env: { A: '2', NODE_OPTIONS: '-r ./x' } },
      ['config.env.A', 'config.env.NODE_OPTIONS'],
    ],
    [{ permission_mode: 'ask' }, { env: { BASH_ENV: 'x' } }, ['config.env.BASH_ENV']],
    [
      { allowed_tools: ['Read'], mcp_servers: { own: { command: 'a' } } },
      { mcp_servers: { own: { command: 'b' } } },
      ['config.mcp_servers.own'],
    ],
  ])('%j, %j', (parent, asked, paths) => {
    expect(refusal(parent, asked)).toEqual(paths);
  });
});
