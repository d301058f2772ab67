/**
 * The names in Claude Code's folder (CLAUDE_CONFIG_DIR) that a snapshot keeps: what a resumed conversation reads. `projects`
 * holds the transcripts, `<session id>/` next to them (subagents, tool results) and `memory/`. Transcripts refer to
 * `file-history`, `plans`, `tasks` and `todos`. Each start makes the rest again (`.claude.json`, `plugins`, `sessions`,
 * `session-env`, `shell-snapshots`, `backups`, `cache`, `statsig`, `debug`), except `.credentials.json`, which must not be
 * kept. True for Claude Code 2.1.330.
 */
export const CONVERSATION_KEPT: ReadonlySet<string> = new Set(['projects', 'file-history', 'plans', 'tasks', 'todos']);
