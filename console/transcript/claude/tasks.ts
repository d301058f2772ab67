import type { ClaudeEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, firstString, numberOf, stringOf, type Fields } from '../fields.ts';
import type { ToolTask } from '../item.ts';
import { textOf } from '../../safe/text/text-of.ts';

const STATUS: ReadonlyMap<unknown, ToolTask['status']> = new Map([
  ['running', 'running'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['killed', 'stopped'],
  ['stopped', 'stopped'],
]);

/** What runs beside the conversation, or as a subagent: it is shown with the tool that began it. */
export function takeTask(draft: Draft, { seq, time, data }: ClaudeEvent): void {
  const id = stringOf(data['task_id']) ?? '';
  const key = draft.tasks.get(id) ?? draft.tools.get(stringOf(data['tool_use_id']) ?? '');
  const subtype = data['subtype'];
  if (key === undefined) {
    // The call that began it came before what is loaded.
    if (subtype !== 'task_notification') return;
    const text = `In the background: ${firstString(data, 'summary') ?? textOf(data['status'])}`;
    const tone = data['status'] === 'failed' ? 'bad' : 'quiet';
    const notice = { type: 'task_notification', tone, text, detail: null, sessionId: null } as const;
    draft.append({ kind: 'notice', key: `e${seq}`, seq, time, ...notice });
    return;
  }
  draft.tasks.set(id, key);
  draft.change(key, 'tool', (tool) => {
    const before: ToolTask = tool.task ?? { id, status: 'running', isBackground: false, summary: null };
    return { ...tool, task: { ...before, id, ...changeOf(data) } };
  });
}

/** What one line says of a task. */
function changeOf(data: Fields): Partial<ToolTask> {
  switch (data['subtype']) {
    case 'task_started':
      return { isBackground: data['is_backgrounded'] === true };
    case 'task_progress':
      return { summary: firstString(data, 'description') };
    case 'task_updated': {
      const patch = fieldsOf(data['patch']);
      const status = STATUS.get(patch['status']);
      return {
        ...(status !== undefined && { status }),
        ...(typeof patch['is_backgrounded'] === 'boolean' && { isBackground: patch['is_backgrounded'] }),
      };
    }
    default: {
      const status = STATUS.get(data['status']);
      return { ...(status !== undefined && { status }), summary: firstString(data, 'summary') };
    }
  }
}

/** A tool says that it still works. */
export function takeToolProgress(draft: Draft, { data }: ClaudeEvent): void {
  const id = stringOf(data['parent_tool_use_id']) ?? stringOf(data['tool_use_id']) ?? '';
  const seconds = numberOf(data['elapsed_time_seconds']);
  if (seconds === null) return;
  draft.change(draft.tools.get(id), 'tool', (tool) => {
    const before = tool.task ?? { id: '', status: 'running', isBackground: false, summary: null };
    return { ...tool, task: { ...before, summary: `for ${seconds} s` } };
  });
}

/** Nothing runs any more: the turn has ended (`all: false`: what runs in the background goes on), or the container has. */
export function stopTools(draft: Draft, all: boolean): void {
  for (const key of draft.running) {
    const tool = draft.tool(key);
    if (!all && (tool?.task?.isBackground === true || !isTopLevel(draft, key))) continue;
    draft.running.delete(key);
    draft.change(key, 'tool', (one) => ({ ...one, isStopped: true }));
  }
  if (!all) return;
  for (const key of draft.tasks.values()) {
    draft.change(key, 'tool', (tool) =>
      tool.task?.status === 'running' ? { ...tool, task: { ...tool.task, status: 'stopped' } } : tool,
    );
  }
  draft.tasks.clear();
}

/** Those of a subagent may go on in the background. */
const isTopLevel = (draft: Draft, key: string): boolean => draft.parentOf(key) === null;
