import type { ClaudeEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, isFields, listOf, numberOf, stringOf } from '../fields.ts';
import { dropPreview } from './previews.ts';
import { textOf } from '../../safe/text/text-of.ts';

/** What the agent says, thinks and calls: a block of a message each. */
export function takeAssistant(draft: Draft, { seq, time, data }: ClaudeEvent): void {
  const message = fieldsOf(data['message']);
  const parent = parentOf(draft, data);
  // The end of the turn says what failed, in words.
  const isError = data['is_api_error_message'] === true;
  const messageId = stringOf(message['id']) ?? '';
  for (const [index, block] of listOf(message['content']).entries()) {
    if (!isFields(block)) continue;
    const placed = { key: index === 0 ? `e${seq}` : `e${seq}.${index}`, seq, time };
    if (parent === null) dropPreview(draft, messageId, block);
    switch (block['type']) {
      case 'text': {
        const text = stringOf(block['text']);
        if (text === null || isError) break;
        draft.append({ kind: 'text', ...placed, text, isCut: data['aborted'] === true }, parent);
        break;
      }
      case 'thinking':
      case 'redacted_thinking': {
        const text = stringOf(block['thinking']) ?? '';
        draft.append({ kind: 'thinking', ...placed, text, ms: numberOf(data['thinking_duration_ms']) }, parent);
        break;
      }
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use': {
        const toolId = stringOf(block['id']) ?? placed.key;
        const name = stringOf(block['name']) ?? 'Tool';
        const input = fieldsOf(block['input']);
        const tool = { toolId, name, input, result: null, task: null, isStopped: false, endedAt: null, children: [] };
        draft.append({ kind: 'tool', ...placed, ...tool }, parent);
        draft.tools.set(toolId, placed.key);
        draft.running.add(placed.key);
        draft.calls.set(name, (draft.calls.get(name) ?? 0) + 1);
        break;
      }
      default:
        draft.append({ kind: 'unknown', ...placed, type: `assistant: ${textOf(block['type'])}`, data: block }, parent);
    }
  }
}

/** The key of the tool whose subagent a line is of; null: it is the main agent's, or the tool's call is not loaded. */
export function parentOf(draft: Draft, data: Readonly<Record<string, unknown>>): string | null {
  const id = stringOf(data['parent_tool_use_id']);
  return id === null ? null : (draft.tools.get(id) ?? null);
}
