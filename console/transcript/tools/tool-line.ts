import { fieldsOf, firstLine, firstString, isFields, listOf, type Fields } from '../fields.ts';
import type { ToolItem } from '../item.ts';
import { changedLines } from './changed-lines.ts';
import { ownToolLine } from './own-tool-line.ts';
import type { ToolLine } from './line.ts';
import { shownPath } from './shown-path.ts';

/** Fields that tell most of a tool that is not known here. */
const TELLING = ['description', 'query', 'pattern', 'path', 'file_path', 'url', 'name', 'title', 'prompt', 'message'];

export function toolLine(tool: ToolItem): ToolLine {
  const { name, input } = tool;
  const text = (...names: readonly string[]) => firstString(input, ...names) ?? '';
  switch (name) {
    case 'Bash':
    case 'PowerShell':
      return { name, what: text('command') };
    case 'BashOutput':
    case 'TaskOutput':
    case 'TaskStop':
    case 'KillShell':
      return { name, what: text('task_id', 'bash_id', 'shell_id') };
    case 'Edit':
    case 'MultiEdit':
    case 'Write':
    case 'NotebookEdit': {
      const changed = changedLines(tool);
      const path = shownPath(text('file_path', 'notebook_path'));
      return { name, what: path, isPath: true, ...(changed !== null && { changed }) };
    }
    case 'Read':
      return { name, what: shownPath(text('file_path')), isPath: true };
    case 'Grep':
    case 'Glob': {
      const path = shownPath(text('path'));
      return { name, what: path === '' ? text('pattern') : `${text('pattern')} in ${path}` };
    }
    case 'WebFetch':
      return { name, what: hostOf(text('url')) };
    case 'WebSearch':
    case 'ToolSearch':
      return { name, what: text('query') };
    case 'Task':
    case 'Agent':
      return {
        name: text('subagent_type') === '' ? 'Agent' : `Agent ${text('subagent_type')}`,
        what: text('description'),
      };
    case 'Skill':
      return { name, what: text('skill', 'command') };
    case 'TodoWrite':
      return { name: 'To do', what: todosOf(input) };
    case 'AskUserQuestion':
      return { name: 'Ask', what: firstString(fieldsOf(listOf(input['questions'])[0]), 'question') ?? '' };
    case 'ExitPlanMode':
      return { name: 'Plan', what: firstLine(text('plan')) };
    default:
      return mcpLine(name, input) ?? { name, what: text(...TELLING) || shortJson(input) };
  }
}

/** A tool of an MCP server, `mcp__server__tool`. */
function mcpLine(name: string, input: Fields): ToolLine | null {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/s.exec(name) ?? [];
  if (server === undefined || tool === undefined) return null;
  const own = server === 'cc-docker' ? ownToolLine(tool, input) : null;
  return own ?? { name: `${server}: ${tool}`, what: firstString(input, ...TELLING) ?? shortJson(input) };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function todosOf(input: Fields): string {
  const todos = listOf(input['todos']).filter(isFields);
  const done = todos.filter(({ status }) => status === 'completed').length;
  const current = todos.find(({ status }) => status === 'in_progress');
  const now = current === undefined ? null : firstString(current, 'activeForm', 'content');
  return `${done} of ${todos.length} done${now === null ? '' : `: ${now}`}`;
}

function shortJson(input: Fields): string {
  return Object.keys(input).length === 0 ? '' : JSON.stringify(input).slice(0, 200);
}
