import { join } from 'node:path';
import type { WrapperLaunch } from '../protocol/wrapper-launch.ts';

/** How to call `claude` for a launch. */
export interface ClaudeCall {
  args: string[];
  /** To be written before the call. Arguments cannot carry them: one is at most 128 KiB on Linux, and shows in `ps`. */
  files: { path: string; text: string }[];
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

/** A launch as Claude Code's arguments and the files that they name. Each was tried with the real binary. */
export function claudeCall(launch: WrapperLaunch): ClaudeCall {
  const { config } = launch;
  const files: ClaudeCall['files'] = [];
  const args = [
    ...ALWAYS.split(' '),
    ...conversation(launch),
    '--max-turns',
    String(config.max_turns),
    ...permissions(config.allowed_tools),
  ];
  if (config.model !== undefined) args.push('--model', MODEL_ALIASES[config.model] ?? config.model);
  if (config.system_prompt !== undefined) {
    const path = join(launch.scratch, 'system-prompt.txt');
    files.push({ path, text: config.system_prompt });
    // Without `off` a resumed session keeps the prompt that it was first started with.
    args.push('--append-system-prompt-file', path, '--system-prompt-snapshot', 'off');
  }
  if (Object.keys(config.mcp_servers).length > 0) {
    const path = join(launch.scratch, 'mcp.json');
    files.push({ path, text: JSON.stringify({ mcpServers: config.mcp_servers }) });
    args.push('--mcp-config', path);
  }
  return { args, files };
}

/** Found by its id in whichever project folder it is: the one that `claude` would make here may have another name. */
function conversation({ resume, session_id, fork_of }: WrapperLaunch): string[] {
  if (resume) return ['--resume', session_id];
  const own = ['--session-id', session_id];
  return fork_of === undefined ? own : ['--resume', fork_of, '--fork-session', ...own];
}

/**
 * `--allowedTools` alone does not limit: Claude Code runs commands that only read (`ls`, `cat`) without any rule. So a
 * built-in tool that no rule names is not there at all (`--tools`), and `dontAsk` denies what the rules leave open.
 */
function permissions(allowed: readonly string[]): string[] {
  if (allowed.includes('*')) return ['--permission-mode', 'bypassPermissions'];
  const named = allowed.map((rule) => rule.replace(/\(.*$/s, '').trim());
  // `default` would mean every built-in tool; tools of MCP servers are not chosen here.
  const builtIn = named.filter((name) => /^[A-Z][A-Za-z0-9]*$/.test(name));
  return [
    '--permission-mode',
    'dontAsk',
    `--tools=${[...new Set(builtIn)].join(',')}`,
    // With `=`, a rule that looks like an option stays a rule.
    ...allowed.map((rule) => `--allowedTools=${rule}`),
  ];
}
