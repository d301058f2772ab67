import type { PreviewEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, numberOf, stringOf, type Fields } from '../fields.ts';
import type { PreviewItem } from '../item.ts';

type StreamEvent = Extract<PreviewEvent, { type: 'stream_event' }>;

const BLOCKS: ReadonlyMap<unknown, PreviewItem['block']> = new Map([
  ['text', 'text'],
  ['thinking', 'thinking'],
  ['tool_use', 'tool'],
  ['server_tool_use', 'tool'],
  ['mcp_tool_use', 'tool'],
]);

/** What the agent writes, a few letters at a time. Only the main agent's: a subagent's messages are short, and come whole. */
export function takePreview(draft: Draft, { time, data }: StreamEvent): void {
  if (stringOf(data['parent_tool_use_id']) !== null) return;
  const event = fieldsOf(data['event']);
  const messageId = stringOf(data['api_message_id']) ?? '';
  const key = `p:${messageId}:${numberOf(event['index']) ?? 0}`;
  switch (event['type']) {
    case 'message_start':
      // What is left of an earlier message never came whole: its request was repeated.
      if (draft.previews.length > 0) draft.previews = [];
      return;
    case 'content_block_start': {
      const content = fieldsOf(event['content_block']);
      const block = BLOCKS.get(content['type']);
      if (block === undefined || draft.previews.some((preview) => preview.key === key)) return;
      const text = stringOf(content['text']) ?? stringOf(content['thinking']) ?? '';
      const preview: PreviewItem = {
        kind: 'preview',
        key,
        seq: null,
        time,
        block,
        text,
        name: stringOf(content['name']),
      };
      draft.previews = [...draft.previews, preview];
      return;
    }
    case 'content_block_delta': {
      const delta = fieldsOf(event['delta']);
      const more = stringOf(delta['text']) ?? stringOf(delta['thinking']) ?? stringOf(delta['partial_json']);
      if (more === null) return;
      // One whose beginning was missed is not shown: the message follows.
      draft.previews = draft.previews.map((one) => (one.key === key ? { ...one, text: one.text + more } : one));
    }
  }
}

/** A block has come whole: its preview is no longer needed, nor are those of other messages. */
export function dropPreview(draft: Draft, messageId: string, block: Fields): void {
  if (draft.previews.length === 0) return;
  const type = BLOCKS.get(block['type'] === 'redacted_thinking' ? 'thinking' : block['type']);
  const mine = draft.previews.filter(({ key }) => key.startsWith(`p:${messageId}:`));
  const whole = mine.findIndex((preview) => preview.block === type);
  draft.previews = mine.filter((_, index) => index !== whole);
}
