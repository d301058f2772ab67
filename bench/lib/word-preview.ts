/** How often an agent says a word, milliseconds. */
export const WORD_MS = 30;

/** A partial message of one word, as Claude Code writes it, without the newline. */
export function wordPreview(session_id: unknown, n: number): string {
  const delta = { type: 'text_delta', text: ` word${n}` };
  const event = { type: 'content_block_delta', index: 0, delta };
  return JSON.stringify({
    type: 'stream_event',
    event,
    session_id,
    parent_tool_use_id: null,
    uuid: crypto.randomUUID(),
  });
}
