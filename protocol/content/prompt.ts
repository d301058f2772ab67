import * as z from 'zod';
import { decodedBytes } from './base64.ts';
import { contentBlock, type ContentBlock, type Prompt, type ShownBlock } from './blocks.ts';
import { contentProblems } from './problems.ts';

/** Most blocks of a message. */
const MAX_BLOCKS = 500;

const blocks = z
  .array(contentBlock)
  .min(1, 'must not be empty')
  .max(MAX_BLOCKS)
  .superRefine((content, context) => {
    for (const { block, message } of contentProblems(content)) {
      context.addIssue({ code: 'custom', path: block === null ? [] : [block], message });
    }
  });

/** What a message says: text, or an array of blocks within Claude's limits. */
export const prompt = z.union([z.string().min(1, 'must not be empty'), blocks], {
  error: 'must be text, or an array of blocks',
});

/** The blocks of a prompt; undefined: it is text. */
export function blocksOf(said: Prompt): readonly ContentBlock[] | undefined {
  return typeof said === 'string' ? undefined : said;
}

/** A prompt as text, with images and documents named in their places. */
export function promptText(said: Prompt): string {
  return typeof said === 'string' ? said : shownBlocks(said).map(blockText).join('\n');
}

/** The blocks as events and lists show them. */
export function shownBlocks(content: readonly ContentBlock[]): ShownBlock[] {
  return content.map(shown);
}

function shown(block: ContentBlock): ShownBlock {
  if (block.type === 'text') return block;
  if (block.type === 'image') {
    const { type, source } = block;
    if ('file' in source) return { type, source };
    const { data, ...kind } = source;
    return { type, source: { ...kind, bytes: decodedBytes(data) } };
  }
  const { source, ...rest } = block;
  if ('file' in source) return { ...rest, source };
  if (source.type === 'base64') {
    const { data, ...kind } = source;
    return { ...rest, source: { ...kind, bytes: decodedBytes(data) } };
  }
  const { data, ...kind } = source;
  return { ...rest, source: { ...kind, bytes: new TextEncoder().encode(data).byteLength } };
}

function blockText(block: ShownBlock): string {
  if (block.type === 'text') return block.text;
  const { source } = block;
  const what = 'file' in source ? source.file : `${source.media_type}, ${source.bytes} bytes`;
  const title = block.type === 'document' && block.title !== undefined ? `${JSON.stringify(block.title)}, ` : '';
  return `[${block.type}: ${title}${what}]`;
}
