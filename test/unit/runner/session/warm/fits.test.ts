import { describe, expect, test } from 'vitest';
import type { ClaimRequest } from '../../../../../runner/session/warm/claim-request.ts';
import { fits } from '../../../../../runner/session/warm/fits.ts';
import { matched } from '../../../../../runner/session/warm/matched.ts';
import { plainProfile, profileOf } from '../../../../../runner/session/warm/profile.ts';
import { launchConfig, type LaunchConfig } from '../../../../../protocol/api/session/session-config.ts';
import { toolsOfLaunch } from '../../../../../protocol/link/more-tools.ts';
import { agentTool } from '../../../../../protocol/api/session/session-config.ts';

type Session = Omit<ClaimRequest, 'key' | 'folders'>;

const OWNER = 'a'.repeat(64);
const SESSION = '0190a0a0-0000-7000-8000-000000000001';
const OTHER = '0190a0a0-0000-7000-8000-000000000002';
const RESOURCES = { memory_mb: 2048, cpus: 2, pids: 1024, workspace_mb: 10_240, workspace_files: 1_000_000 };
const WIRE = { name: 'github' } as unknown as ClaimRequest['plan']['wire'][number];
const IMAGE = { id: 'sha256:one', env: {}, path: '/usr/bin' };

/** A new session that asks for nothing. */
function session(
  config: Partial<LaunchConfig> = {},
  change: {
    launch?: Partial<Session['launch']>;
    plan?: Partial<Session['plan']>;
    launchFile?: Partial<Session['launchFile']>;
    image?: Session['image'];
    resources?: Session['resources'];
  } = {},
): Session {
  const tools = toolsOfLaunch(agentTool.options);
  const all = { ...launchConfig.parse({ agent_tools: tools.agent_tools }), ...config };
  const launch: Session['launch'] = {
    session_id: SESSION,
    epoch: 1,
    token: 'token',
    resume: false,
    config: all,
    more_tools: tools.more_tools,
    workspace: { type: 'ephemeral' },
    files: {
      owner: OWNER,
      version: 1,
      local: 'preferred',
      workspace: null,
      conversation: null,
      start: null,
      fork_of: null,
      quota_bytes: null,
    },
    ...change.launch,
  };
  return {
    launch,
    plan: { wire: [], exposedNames: [], packageEnv: {}, forgeEnv: {}, ...change.plan },
    image: change.image,
    resources: change.resources === undefined ? RESOURCES : change.resources,
    launchFile: {
      session_id: SESSION,
      epoch: 1,
      resume: false,
      claude: '/usr/local/bin/claude',
      cwd: '/workspace',
      env: {},
      link_socket: '/run/cc-docker/link.sock',
      scratch: '/tmp',
      seal: true,
      config: all,
      ...change.launchFile,
    },
  };
}

const PLAIN = plainProfile(RESOURCES, {});

describe('a spare that was started for sessions that ask for nothing', () => {
  test.each<[string, Session]>([
    ['one that asks for nothing', session()],
    ['a model', session({ model: 'opus-4' })],
    ['a system prompt', session({ system_prompt: 'Be brief.' })],
    ['where it may connect', session({ network: { allow: ['github.com'], presets: [] } })],
    ['time limits and a budget', session({ timeout_seconds: 60, idle_timeout_seconds: 5, budget_usd: 1 })],
    ['who answers', session({ answerers: ['bob'], permission_default: 'allow', interaction_reminders: 2 })],
    ['plain TCP to a host', session({ network: { allow: ['db.example.com:5432'], presets: [] } })],
    ['a repository', session({}, { launch: { workspace: { type: 'ephemeral', git_repo: 'https://github.com/a/b' } } })],
    ['the same limits by name', session({ resources: { memory_mb: 2048 } })],
  ])('fits: %s', (_, wanted) => {
    expect(fits(PLAIN, wanted)).toBeNull();
  });

  test.each<[string, Session]>([
    ['resume', session({}, { launchFile: { resume: true } })],
    ['fork', session({}, { launchFile: { fork_of: OTHER } })],
    ['shared_workspace', session({}, { launch: { workspace_of: OTHER } })],
    ['mcp_servers', session({ mcp_servers: { github: { preset: 'github' } } })],
    ['skills', session({ skills: ['pdf'] })],
    ['env', session({ env: { NODE_ENV: 'test' } })],
    ['exposed_secrets', session({}, { plan: { exposedNames: ['TOKEN'] } })],
    ['trustsRunner', session({}, { plan: { wire: [WIRE] } })],
    ['forgeEnv', session({}, { plan: { forgeEnv: { GH_TOKEN: 'dummy' } } })],
    ['image', session({}, { image: IMAGE })],
    ['resources', session({}, { resources: { ...RESOURCES, memory_mb: 4096 } })],
    ['resources', session({}, { resources: { ...RESOURCES, workspace_files: 5 } })],
    ['permissions', session({ permission_mode: 'ask' })],
    ['permissions', session({ allowed_tools: ['Read'] })],
    ['max_turns', session({ max_turns: 3 })],
    ['tools', session({ agent_tools: ['ask_user'] })],
    ['packageEnv', session({}, { plan: { packageEnv: { npm_config_registry: 'https://npm.example.com' } } })],
  ])('does not fit because of %s', (why, wanted) => {
    expect(fits(PLAIN, wanted)).toBe(why === 'image' ? 'owner' : why);
  });
});

test('a spare of one owner’s environment fits that owner’s sessions of that image, and nobody else’s', () => {
  const own = session({}, { image: IMAGE });
  const spare = profileOf(own);
  expect(fits(spare, own)).toBeNull();
  const another = { ...own, launch: { ...own.launch, files: { ...own.launch.files, owner: 'b'.repeat(64) } } };
  expect(fits(spare, another)).toBe('owner');
  expect(fits(spare, session({}, { image: { ...IMAGE, id: 'sha256:two' } }))).toBe('image');
  expect(fits(spare, session())).toBe('owner');
});

test('a spare is made for what the last session was', () => {
  const asking = session({ permission_mode: 'ask', max_turns: 7, agent_tools: ['notify_user'] });
  expect(fits(profileOf(asking), asking)).toBeNull();
  expect(fits(profileOf(asking), session())).toBe('permissions');
});

test('of what is wanted and what there is, each is matched once', () => {
  const asking = { profile: profileOf(session({ permission_mode: 'ask' })) };
  const plain = { profile: PLAIN };
  const [one, two, three] = [{ profile: PLAIN }, { profile: PLAIN }, { ...asking }];
  expect(matched([plain], [one, two, three])).toEqual({ surplus: [two, three], missing: [] });
  expect(matched([asking, plain, asking], [one])).toEqual({ surplus: [], missing: [asking, asking] });
  expect(matched([], [one])).toEqual({ surplus: [one], missing: [] });
});
