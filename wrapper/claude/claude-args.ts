import { join } from 'node:path';
import type { LaunchConfig, PermissionMode } from '../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { McpDefinition } from '../mcp/mcp-servers.ts';
import { ruleOf } from '../tools/tool-names.ts';

/** How to call `claude` for a launch. */
export interface ClaudeCall {
  args: string[];
  /** Write these before the call. They are no arguments: Linux limits one argument to 128 KiB, and `ps` shows it. */
  files: { path: string; text: string }[];
}

/** What the session's settings mean in this container. */
export interface ResolvedSettings {
  servers: Record<string, McpDefinition>;
  /** The folder for `--add-dir`; null: the session names no skill. */
  skills: string | null;
  /** It is started for no session yet, and waits for a claim. Absent: it is started for its session. */
  parks?: boolean;
}

/**
 * Not offered: what they schedule ends with the container, or is armed again by a resume that nobody asked for, and Claude Code says
 * neither. CC-Docker's own `schedule_wakeup` lasts. `Monitor` is offered, for it is background work that shows.
 */
const NO_SCHEDULES = '--disallowedTools=CronCreate,CronDelete,CronList,ScheduleWakeup';

/** The seed's model names. Any other name passes unchanged. */
const MODEL_ALIASES: Readonly<Record<string, string>> = {
  'opus-4': 'opus',
  'sonnet-4': 'sonnet',
  'haiku-4': 'haiku',
};

/** The name that Claude Code takes for a model. */
export function claudeModel(model: string): string {
  return MODEL_ALIASES[model] ?? model;
}

/** Claude Code's own name of a mode of a running session. One that was started with a list of tools alone cannot change. */
export const CLAUDE_MODES = {
  bypass: 'bypassPermissions',
  ask: 'default',
  accept_edits: 'acceptEdits',
  plan: 'plan',
} as const satisfies Record<PermissionMode, string>;

/** JSON streams in both directions, and no MCP server from the workspace's or the user's settings. */
const ALWAYS =
  '-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --replay-user-messages --strict-mcp-config';

/**
 * Claude Code's arguments for a launch, and the files that they name. Each was tried with the real binary.
 *
 * @param resolved the session's MCP servers and the folder of its skills. CC-Docker's own server needs no argument.
 */
export function claudeCall(launch: WrapperLaunch, { servers, skills, parks }: ResolvedSettings): ClaudeCall {
  const { config } = launch;
  const files: ClaudeCall['files'] = [];
  const args = [
    ...ALWAYS.split(' '),
    NO_SCHEDULES,
    ...conversation(launch),
    '--max-turns',
    String(config.max_turns),
    ...permissions(config),
  ];
  if (config.model !== undefined) args.push('--model', claudeModel(config.model));
  if (config.system_prompt !== undefined) {
    const path = join(launch.scratch, 'system-prompt.txt');
    files.push({ path, text: config.system_prompt });
    // Without `off`, a resumed conversation keeps the system prompt of its first start.
    args.push('--append-system-prompt-file', path, '--system-prompt-snapshot', 'off');
  }
  if (Object.keys(servers).length > 0) {
    const path = join(launch.scratch, 'mcp.json');
    files.push({ path, text: JSON.stringify({ mcpServers: servers }) });
    args.push('--mcp-config', path);
  }
  if (skills !== null) args.push('--add-dir', skills);
  if (parks === true) args.push('--await-claim');
  return { args, files };
}

/**
 * `claude` finds a conversation by its id, in any project folder: the folder's name may differ from the one for this
 * `cwd`.
 */
function conversation({ resume, session_id, conversation_id = session_id, fork_of }: WrapperLaunch): string[] {
  if (resume) return ['--resume', conversation_id];
  const own = ['--session-id', conversation_id];
  return fork_of === undefined ? own : ['--resume', fork_of, '--fork-session', ...own];
}

/**
 * Claude Code asks the wrapper for permissions. Without this it has no `AskUserQuestion`, and denies whatever needs a
 * permission.
 */
const ASKING = ['--permission-prompt-tool', 'stdio'];

/** No plan mode: to leave it, the agent has to ask a person. */
const EVERY_TOOL = [
  '--permission-mode',
  CLAUDE_MODES.bypass,
  ...ASKING,
  '--disallowedTools=EnterPlanMode,ExitPlanMode',
];

/** Without this, a model at Anthropic judges commands in plan mode, and where it cannot be reached all are denied. */
const PERSON_JUDGES = ['--settings', JSON.stringify({ useAutoModeDuringPlan: false })];

function permissions(config: LaunchConfig): string[] {
  const { allowed_tools: allowed, permission_mode: mode } = config;
  // The session was given these tools, so it may use them without asking.
  const own = config.agent_tools.map(ruleOf);
  if (mode === 'bypass') {
    if (allowed.includes('*')) return EVERY_TOOL;
    // `Skill` gets no allow rule. A skill that is only text needs none, and a rule by name would also allow a skill of
    // the
    // workspace that took the name.
    return onlyThese([...allowed, ...own], config.skills.length > 0 ? ['Skill'] : []);
  }
  const unasked = [...allowed.filter((rule) => rule !== '*'), ...own];
  // In each of these modes the agent may begin to plan.
  return ['--permission-mode', CLAUDE_MODES[mode], ...ASKING, ...PERSON_JUDGES, ...rules(unasked)];
}

/**
 * `--allowedTools` alone is no limit: Claude Code runs commands that only read (`ls`, `cat`) without any rule. So `--tools`
 * removes each built-in tool that no rule names, and `dontAsk` denies what the rules leave open.
 */
function onlyThese(allowed: readonly string[], besides: readonly string[]): string[] {
  const named = allowed.map((rule) => rule.replace(/\(.*$/s, '').trim());
  // The word `default` would mean every built-in tool. `--tools` does not choose tools of MCP servers.
  const builtIn = named.filter((name) => /^[A-Z][A-Za-z0-9]*$/.test(name));
  return [
    '--permission-mode',
    'dontAsk',
    `--tools=${[...new Set([...builtIn, ...besides])].join(',')}`,
    ...rules(allowed),
  ];
}

/** With `=`, a rule that looks like an option is still read as a rule. */
function rules(allowed: readonly string[]): string[] {
  return allowed.map((rule) => `--allowedTools=${rule}`);
}
