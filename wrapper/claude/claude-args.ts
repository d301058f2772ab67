import { join } from 'node:path';
import type { SessionConfig } from '../../protocol/api/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { McpDefinition } from '../mcp/mcp-servers.ts';
import { ruleOf, TOOL_SERVER } from '../tools/tool-names.ts';
import type { ToolServerConfig } from '../tools/tool-server.ts';

/** How to call `claude` for a launch. */
export interface ClaudeCall {
  args: string[];
  /** To be written before the call. Arguments cannot carry them: one is at most 128 KiB on Linux, and shows in `ps`. */
  files: { path: string; text: string }[];
}

/** What the session's settings came to, where it is. */
export interface Given {
  servers: Record<string, McpDefinition>;
  skills: string | null;
}

/** The seed's model names; any other passes unchanged. */
const MODEL_ALIASES: Readonly<Record<string, string>> = {
  'opus-4': 'opus',
  'sonnet-4': 'sonnet',
  'haiku-4': 'haiku',
};

/** Streams of JSON both ways; and no MCP server that the workspace or the user's settings name. */
const ALWAYS =
  '-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --replay-user-messages --strict-mcp-config';

/**
 * A launch as Claude Code's arguments and the files that they name. Each was tried with the real binary.
 *
 * @param tools where CC-Docker's own tools are; null: this session has none
 * @param given its other MCP servers, and the folder that its skills are in
 */
export function claudeCall(launch: WrapperLaunch, tools: ToolServerConfig | null, given: Given): ClaudeCall {
  const { config } = launch;
  const files: ClaudeCall['files'] = [];
  const args = [
    ...ALWAYS.split(' '),
    ...conversation(launch),
    '--max-turns',
    String(config.max_turns),
    ...permissions(config),
  ];
  if (config.model !== undefined) args.push('--model', MODEL_ALIASES[config.model] ?? config.model);
  if (config.system_prompt !== undefined) {
    const path = join(launch.scratch, 'system-prompt.txt');
    files.push({ path, text: config.system_prompt });
    // Without `off` a resumed session keeps the prompt that it was first started with.
    args.push('--append-system-prompt-file', path, '--system-prompt-snapshot', 'off');
  }
  // A session's own server of this name would be called in place of CC-Docker's.
  const mcpServers = { ...given.servers, ...(tools !== null && { [TOOL_SERVER]: tools }) };
  if (Object.keys(mcpServers).length > 0) {
    const path = join(launch.scratch, 'mcp.json');
    files.push({ path, text: JSON.stringify({ mcpServers }) });
    args.push('--mcp-config', path);
  }
  if (given.skills !== null) args.push('--add-dir', given.skills);
  return { args, files };
}

/** Found by its id in whichever project folder it is: the one that `claude` would make here may have another name. */
function conversation({ resume, session_id, fork_of }: WrapperLaunch): string[] {
  if (resume) return ['--resume', session_id];
  const own = ['--session-id', session_id];
  return fork_of === undefined ? own : ['--resume', fork_of, '--fork-session', ...own];
}

/** Whom Claude Code asks: the wrapper. Without, it has no `AskUserQuestion`, and denies what it would ask about. */
const ASKING = ['--permission-prompt-tool', 'stdio'];

/** Planning is not offered: whoever begins to plan has to ask whether to go on. */
const EVERY_TOOL = [
  '--permission-mode',
  'bypassPermissions',
  ...ASKING,
  '--disallowedTools=EnterPlanMode,ExitPlanMode',
];

/** Otherwise a model of Anthropic's judges commands while it plans, and where there is none they are all denied. */
const PERSON_JUDGES = ['--settings', JSON.stringify({ useAutoModeDuringPlan: false })];

const MODES = { ask: 'default', accept_edits: 'acceptEdits', plan: 'plan' } as const;

function permissions(config: SessionConfig): string[] {
  const { allowed_tools: allowed, permission_mode: mode } = config;
  // Whoever gave the session these tools gave leave to use them.
  const own = config.agent_tools.map(ruleOf);
  if (mode === 'bypass') {
    if (allowed.includes('*')) return EVERY_TOOL;
    // Without a rule: what is merely text may be used unasked anyway, and a skill of the workspace could take the name of one that a rule allows more.
    return onlyThese([...allowed, ...own], config.skills.length > 0 ? ['Skill'] : []);
  }
  const unasked = [...allowed.filter((rule) => rule !== '*'), ...own];
  return ['--permission-mode', MODES[mode], ...ASKING, ...(mode === 'plan' ? PERSON_JUDGES : []), ...rules(unasked)];
}

/**
 * `--allowedTools` alone does not limit: Claude Code runs commands that only read (`ls`, `cat`) without any rule. So a
 * built-in tool that no rule names is not there at all (`--tools`), and `dontAsk` denies what the rules leave open.
 */
function onlyThese(allowed: readonly string[], besides: readonly string[]): string[] {
  const named = allowed.map((rule) => rule.replace(/\(.*$/s, '').trim());
  // `default` would mean every built-in tool; tools of MCP servers are not chosen here.
  const builtIn = named.filter((name) => /^[A-Z][A-Za-z0-9]*$/.test(name));
  return [
    '--permission-mode',
    'dontAsk',
    `--tools=${[...new Set([...builtIn, ...besides])].join(',')}`,
    ...rules(allowed),
  ];
}

/** With `=`, a rule that looks like an option stays a rule. */
function rules(allowed: readonly string[]): string[] {
  return allowed.map((rule) => `--allowedTools=${rule}`);
}
