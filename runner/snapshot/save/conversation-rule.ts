/**
 * What is kept of Claude Code's folder (CLAUDE_CONFIG_DIR), by the names in it: what a resumed conversation reads. `projects`
 * holds the transcripts, `<session id>/` beside them (subagents, tool results) and `memory/`; `file-history`, `plans`, `tasks` and `todos` are
 * named in transcripts. Everything else is made anew by each start (`.claude.json`, `plugins`, `sessions`, `session-env`,
 * `shell-snapshots`, `backups`, `cache`, `statsig`, `debug`), or is not ours to keep (`.credentials.json`). As Claude Code 2.1.330 leaves it.
 */
export const CONVERSATION_KEPT: ReadonlySet<string> = new Set(['projects', 'file-history', 'plans', 'tasks', 'todos']);
