/** A content block of a reply. `tokensPerSecond` absent: as fast as the client reads. */
export type ReplyBlock =
  | { type: 'text'; text: string; tokensPerSecond?: number | undefined }
  | { type: 'thinking'; thinking: string; tokensPerSecond?: number | undefined }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

/** Why the model stops before it is done. */
type EarlyStop = 'refusal' | 'max_tokens' | 'model_context_window_exceeded';

/** How a reply ends, after its blocks. `reason` absent: the model is done. */
export type ReplyEnding =
  | { kind: 'stop'; reason?: EarlyStop }
  | { kind: 'error'; status: number; type: string; message: string; retryAfter?: number | undefined }
  | { kind: 'cut' }
  | { kind: 'hang' };

/** What the demo model answers. `sendReply` adds the timing and writes it. */
export type Reply = { blocks: ReplyBlock[]; ending: ReplyEnding };

/** A reply of one text block. */
export function textReply(text: string): Reply {
  return { blocks: [{ type: 'text', text }], ending: { kind: 'stop' } };
}
