import * as z from 'zod';
import { notesOf, type Piece } from './notes.ts';
import { summariseResult, summariseTool } from './summary.ts';
import { printable } from './terminal.ts';

/** An event or a preview of a session's stream. */
export interface Shown {
  readonly type: string;
  readonly data: unknown;
}

/** What is printed already, so that nothing is printed twice. */
export interface Printed {
  /** The cursor is not at the beginning of a line. */
  readonly midLine: boolean;
  /** The text block whose previews are being printed. */
  readonly preview: { readonly block: string; readonly text: string } | undefined;
  /** Number of complete blocks, by message: each block of a message arrives as an `assistant` event of its own. */
  readonly blocks: Readonly<Record<string, number>>;
}

export const NOTHING_PRINTED: Printed = { midLine: false, preview: undefined, blocks: {} };

const textDelta = z.object({
  api_message_id: z.string().optional(),
  parent_tool_use_id: z.string().nullish(),
  event: z.object({
    type: z.literal('content_block_delta'),
    index: z.int(),
    delta: z.object({ type: z.literal('text_delta'), text: z.string() }),
  }),
});

const contentBlock = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_use'), name: z.string(), input: z.record(z.string(), z.unknown()) }),
  z.object({
    type: z.literal('tool_result'),
    is_error: z.boolean().optional(),
    content: z
      .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
      .optional(),
  }),
  z.looseObject({ type: z.string() }).transform(() => ({ type: 'other' as const })),
]);
type ContentBlock = z.infer<typeof contentBlock>;

const chatMessage = z.object({
  parent_tool_use_id: z.string().nullish(),
  message: z.object({ id: z.string().optional(), content: z.union([z.string(), z.array(contentBlock)]) }),
});

const buildOutput = z.object({ text: z.string() });

const turnEnd = z.object({
  is_error: z.boolean(),
  duration_ms: z.number(),
  total_cost_usd: z.number(),
  num_turns: z.int(),
});

/** What an event adds to the screen. An unknown type adds nothing. */
export function printEvent(printed: Printed, { type, data }: Shown): { printed: Printed; pieces: Piece[] } {
  switch (type) {
    case 'environment.output':
      return printOutput(printed, buildOutput.safeParse(data).data);
    case 'stream_event':
      return printPreview(printed, textDelta.safeParse(data).data);
    case 'assistant':
      return printAssistant(printed, chatMessage.safeParse(data).data);
    case 'user': {
      const results = blocksOf(chatMessage.safeParse(data).data).filter((block) => block.type === 'tool_result');
      return lines(printed, results.map(resultPiece));
    }
    case 'result': {
      const end = turnEnd.safeParse(data).data;
      // For a failed turn, the `message.failed` that follows is printed.
      return end === undefined || end.is_error ? { printed, pieces: [] } : lines(printed, [donePiece(end)]);
    }
    default:
      return lines(printed, notesOf(type, data));
  }
}

/** What a build writes, as it comes: a piece may end in the middle of a line. */
function printOutput(printed: Printed, output: z.infer<typeof buildOutput> | undefined) {
  const text = printable(output?.text ?? '');
  if (text === '') return { printed, pieces: [] };
  return {
    printed: { ...printed, midLine: !text.endsWith('\n'), preview: undefined },
    pieces: [{ kind: 'output' as const, text }],
  };
}

function printPreview(printed: Printed, delta: z.infer<typeof textDelta> | undefined) {
  const none = { printed, pieces: [] };
  if (delta === undefined || isSubagent(delta)) return none;
  const message = delta.api_message_id ?? '';
  // The complete block may arrive before its last previews.
  if (delta.event.index < (printed.blocks[message] ?? 0)) return none;
  const block = `${message}:${delta.event.index}`;
  const before = printed.preview?.block === block ? printed.preview.text : '';
  const text = before + delta.event.delta.text;
  const opening = before === '' && printed.midLine ? '\n' : '';
  const shown = opening + printable(delta.event.delta.text);
  if (shown === '') return none;
  return {
    printed: { ...printed, midLine: !shown.endsWith('\n'), preview: { block, text } },
    pieces: [{ kind: 'text' as const, text: shown }],
  };
}

function printAssistant(printed: Printed, event: z.infer<typeof chatMessage> | undefined) {
  const blocks = blocksOf(event);
  if (event === undefined || isSubagent(event)) {
    return lines(
      printed,
      blocks.filter((block) => block.type === 'tool_use').map((block) => toolPiece(block, '  ')),
    );
  }
  const id = event.message.id ?? '';
  const counted = { ...printed, blocks: { ...printed.blocks, [id]: (printed.blocks[id] ?? 0) + blocks.length } };
  const pieces: Piece[] = [];
  let state: Printed = counted;
  for (const block of blocks) {
    if (block.type === 'text') {
      const previewed =
        state.preview !== undefined && block.text.startsWith(state.preview.text) ? state.preview.text : '';
      const rest = block.text.slice(previewed.length);
      const opening = previewed === '' && state.midLine ? '\n' : '';
      const closing = block.text.endsWith('\n') ? '' : '\n';
      if (block.text !== '') pieces.push({ kind: 'text', text: opening + printable(rest) + closing });
      state = { ...state, midLine: false, preview: undefined };
    } else if (block.type === 'tool_use') {
      const next = lines(state, [toolPiece(block, '')]);
      pieces.push(...next.pieces);
      state = next.printed;
    }
  }
  return { printed: state, pieces };
}

/** Pieces that each get a line of their own. */
function lines(printed: Printed, pieces: Piece[]): { printed: Printed; pieces: Piece[] } {
  if (pieces.length === 0) return { printed, pieces };
  const shown = pieces.map((piece, index) => {
    const opening = index === 0 && printed.midLine ? '\n' : '';
    return { kind: piece.kind, text: `${opening}${printable(piece.text)}\n` };
  });
  return { printed: { ...printed, midLine: false, preview: undefined }, pieces: shown };
}

function blocksOf(event: z.infer<typeof chatMessage> | undefined): ContentBlock[] {
  return event === undefined || typeof event.message.content === 'string' ? [] : event.message.content;
}

function isSubagent(event: { parent_tool_use_id?: string | null | undefined }): boolean {
  return typeof event.parent_tool_use_id === 'string';
}

function toolPiece(block: Extract<ContentBlock, { type: 'tool_use' }>, indent: string): Piece {
  return { kind: 'tool', text: `${indent}● ${summariseTool(block.name, block.input)}` };
}

function resultPiece(block: Extract<ContentBlock, { type: 'tool_result' }>): Piece {
  const text =
    typeof block.content === 'string' ? block.content : (block.content ?? []).map((part) => part.text ?? '').join('\n');
  return { kind: block.is_error === true ? 'error' : 'output', text: `  ⎿ ${summariseResult(text)}` };
}

function donePiece(end: z.infer<typeof turnEnd>): Piece {
  const seconds = (end.duration_ms / 1000).toFixed(1);
  const calls = end.num_turns === 1 ? '1 model call' : `${end.num_turns} model calls`;
  return { kind: 'done', text: `✓ done in ${seconds} s, ${calls}, $${end.total_cost_usd.toFixed(4)}` };
}
