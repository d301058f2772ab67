/** A content block of a reply. `tokensPerSecond` absent: as fast as the client reads. */
export type ReplyBlock =
  | { type: 'text'; text: string; tokensPerSecond?: number | undefined }
  | { type: 'thinking'; thinking: string; tokensPerSecond?: number | undefined }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

/** How a reply ends, after its blocks. */
export type ReplyEnding =
  | { kind: 'stop' }
  | { kind: 'error'; status: number; type: string; message: string; retryAfter?: number | undefined }
  | { kind: 'cut' }
  | { kind: 'hang' };

/** What the demo model answers. `sendReply` adds the timing and writes it. */
export type Reply = { blocks: ReplyBlock[]; ending: ReplyEnding };

/** A reply of one text block. */
export function textReply(text: string): Reply {
  return { blocks: [{ type: 'text', text }], ending: { kind: 'stop' } };
}
