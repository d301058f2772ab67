import type { ReplyBlock } from './reply.ts';

/** A server-sent event of the Messages API. `waitMs`: how long to wait before it, milliseconds. */
export type TimedEvent = { waitMs: number; data: { type: string } & Record<string, unknown> };

export type MessageHead = { id: string; model: string; inputTokens: number };

/** A rough estimate, good enough for a plausible figure. */
export function tokenCount(text: string): number {
  return Math.ceil(text.length / 4);
}

export function outputTokens(blocks: ReplyBlock[]): number {
  return Math.max(1, tokenCount(blocks.map(blockText).join('')));
}

function blockText(block: ReplyBlock): string {
  if (block.type === 'text') return block.text;
  if (block.type === 'thinking') return block.thinking;
  return block.name + JSON.stringify(block.input);
}

/** The API's shape requires a signature. Claude Code does not check it. */
const SIGNATURE = 'ZGVtbw==';

/** The content of a message that is not streamed. */
export function messageContent(blocks: ReplyBlock[], newToolId: () => string): Record<string, unknown>[] {
  return blocks.map((block) => {
    if (block.type === 'text') return { type: 'text', text: block.text };
    if (block.type === 'thinking') return { type: 'thinking', thinking: block.thinking, signature: SIGNATURE };
    return { type: 'tool_use', id: newToolId(), name: block.name, input: block.input };
  });
}

/** The `stop_reason` of a message that is done. */
export function stopReason(blocks: ReplyBlock[]): 'tool_use' | 'end_turn' {
  return blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
}

/** A message object: at the beginning of a stream, or a whole answer. */
export function messageBody(head: MessageHead, content: unknown[], stop: string | null, output: number) {
  return {
    id: head.id,
    type: 'message',
    role: 'assistant',
    model: head.model,
    content,
    stop_reason: stop,
    stop_sequence: null,
    usage: {
      input_tokens: head.inputTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: output,
    },
  };
}

/** The beginning of a stream and its blocks. With `breaksOff`, the last block stays open. */
export function* openingEvents(
  head: MessageHead,
  blocks: ReplyBlock[],
  newToolId: () => string,
  breaksOff: boolean,
): Generator<TimedEvent> {
  yield at(0, { type: 'message_start', message: messageBody(head, [], null, 1) });
  yield at(0, { type: 'ping' });
  for (const [index, block] of blocks.entries()) {
    yield* blockEvents(index, block, newToolId);
    if (!breaksOff || index < blocks.length - 1) yield at(0, { type: 'content_block_stop', index });
  }
}

/** The end of a stream that is no error. @param reason the message's `stop_reason` */
export function* closingEvents(blocks: ReplyBlock[], reason: string): Generator<TimedEvent> {
  const delta = { stop_reason: reason, stop_sequence: null };
  yield at(0, { type: 'message_delta', delta, usage: { output_tokens: outputTokens(blocks) } });
  yield at(0, { type: 'message_stop' });
}

function* blockEvents(index: number, block: ReplyBlock, newToolId: () => string): Generator<TimedEvent> {
  const start = (content_block: object) => at(0, { type: 'content_block_start', index, content_block });
  const delta = (waitMs: number, delta: object) => at(waitMs, { type: 'content_block_delta', index, delta });
  switch (block.type) {
    case 'text':
      yield start({ type: 'text', text: '' });
      for (const { piece, waitMs } of pieces(block.text, block.tokensPerSecond))
        yield delta(waitMs, { type: 'text_delta', text: piece });
      break;
    case 'thinking':
      yield start({ type: 'thinking', thinking: '', signature: '' });
      for (const { piece, waitMs } of pieces(block.thinking, block.tokensPerSecond))
        yield delta(waitMs, { type: 'thinking_delta', thinking: piece });
      yield delta(0, { type: 'signature_delta', signature: SIGNATURE });
      break;
    case 'tool_use':
      yield start({ type: 'tool_use', id: newToolId(), name: block.name, input: {} });
      yield delta(0, { type: 'input_json_delta', partial_json: JSON.stringify(block.input) });
      break;
  }
}

/** Splits text for streaming. With a pace, each word is one piece (one token). Without, there are at most 200 pieces. */
function* pieces(text: string, tokensPerSecond: number | undefined): Generator<{ piece: string; waitMs: number }> {
  const waitMs = tokensPerSecond === undefined ? 0 : 1000 / tokensPerSecond;
  const minLength = tokensPerSecond === undefined ? Math.max(24, text.length / 200) : 1;
  let piece = '';
  for (const [word] of text.matchAll(/\s*\S+|\s+$/g)) {
    piece += word;
    if (piece.length < minLength) continue;
    yield { piece, waitMs };
    piece = '';
  }
  if (piece !== '') yield { piece, waitMs };
}

function at(waitMs: number, data: TimedEvent['data']): TimedEvent {
  return { waitMs, data };
}
