/** A piece of an answer. `tokensPerSecond` absent: as fast as it is read. */
export type ReplyBlock =
  | { type: 'text'; text: string; tokensPerSecond?: number | undefined }
  | { type: 'thinking'; thinking: string; tokensPerSecond?: number | undefined }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

/** How an answer ends, after its blocks. */
export type ReplyEnding =
  | { kind: 'stop' }
  | { kind: 'error'; status: number; type: string; message: string; retryAfter?: number | undefined }
  | { kind: 'cut' }
  | { kind: 'hang' };

/** What the demo model answers, before anything of it is timed or written. */
export type Reply = { blocks: ReplyBlock[]; ending: ReplyEnding };

/** An answer in words alone. */
export function say(text: string): Reply {
  return { blocks: [{ type: 'text', text }], ending: { kind: 'stop' } };
}
