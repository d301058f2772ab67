import type { ClaudeEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, isFields, listOf, stringOf, type Fields } from '../fields.ts';
import { parentOf } from './assistant.ts';
import { textOf } from '../../safe/text/text-of.ts';

/** What Claude Code puts into the conversation: results of tools, messages as it has taken them, and notes of its own. */
export function takeUser(draft: Draft, event: ClaudeEvent): void {
  const { seq, time, data } = event;
  const { content } = fieldsOf(data['message']);
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).filter(isFields);
  if (data['isReplay'] === true) {
    taken(draft, stringOf(data['uuid']), blocks);
    return;
  }
  const parent = parentOf(draft, data);
  // A subagent's prompt: the tool's input has it.
  const isPrompt = stringOf(data['parent_tool_use_id']) !== null;
  for (const [index, block] of blocks.entries()) {
    if (block['type'] === 'tool_result') takeToolResult(draft, event, block, index);
    else if (!isPrompt && data['isSynthetic'] === true) {
      const text = stringOf(block['text']);
      if (text === null) continue;
      const placed = { key: index === 0 ? `e${seq}` : `e${seq}.${index}`, seq, time };
      const said = { type: 'user', tone: 'quiet', text: 'Claude Code told the agent', detail: text } as const;
      draft.append({ kind: 'notice', ...placed, ...said, sessionId: null }, parent);
    }
  }
}

/** A message as the agent got it. Of one that was queued before what is loaded, this is all that there is of its text. */
function taken(draft: Draft, messageId: string | null, blocks: readonly Fields[]): void {
  if (messageId === null) return;
  const text = blocks.map((block) => stringOf(block['text']) ?? `[${textOf(block['type'])}]`).join('\n');
  draft.change(draft.prompts.get(messageId), 'prompt', (prompt) => (prompt.text === '' ? { ...prompt, text } : prompt));
}

function takeToolResult(draft: Draft, { seq, time, data }: ClaudeEvent, block: Fields, index: number): void {
  const { content } = block;
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).filter(isFields);
  const isError = block['is_error'] === true;
  const result = { seq, blocks, isError, details: fieldsOf(data['tool_use_result']) };
  const toolId = stringOf(block['tool_use_id']) ?? '';
  const key = draft.tools.get(toolId);
  if (key === undefined) {
    // Its call came before what is loaded.
    const placed = { key: index === 0 ? `e${seq}` : `e${seq}.${index}`, seq, time };
    const tool = { toolId, name: 'Tool', input: {}, result, task: null, isStopped: false, endedAt: time, children: [] };
    draft.append({ kind: 'tool', ...placed, ...tool }, parentOf(draft, data));
    draft.tools.set(toolId, placed.key);
    return;
  }
  draft.running.delete(key);
  draft.change(key, 'tool', (tool) => ({ ...tool, result, endedAt: time, isStopped: false }));
}
