import type { ContentBlock } from '../../protocol/content/blocks.ts';
import { contentProblems } from '../../protocol/content/problems.ts';
import type { WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/settings/limits.ts';
import { readPromptFile, type FileRefused } from '../workspace/prompt-file.ts';

type PromptCommand = Extract<WrapperCommand, { command: 'prompt' }>;

/**
 * The content of the user message for `claude`: of a message with blocks, with the workspace's files read as they are now.
 *
 * @param workspace the workspace's folder
 */
export async function userContent(
  { prompt, content }: PromptCommand,
  workspace: string,
): Promise<readonly ContentBlock[] | FileRefused> {
  if (content === undefined) return [{ type: 'text', text: prompt }];
  const whole: ContentBlock[] = [];
  let size = 0;
  for (const block of content) {
    const read = await readBlock(workspace, block);
    if ('refused' in read) return read;
    size += read.type === 'text' || 'file' in read.source ? 0 : Buffer.byteLength(read.source.data);
    // Before the next file is read: a message may name many.
    if (size > MAX_CONTENT_BYTES)
      return { refused: `The message would have more than ${MAX_CONTENT_BYTES} bytes with its files.` };
    whole.push(read);
  }
  // The edge has looked at all but the files.
  const [problem] = content.some(namesFile) ? contentProblems(whole) : [];
  if (problem === undefined) return whole;
  const file = problem.block === null ? null : fileOf(content[problem.block]);
  return { refused: `${file ?? 'The message'} ${problem.message}.` };
}

async function readBlock(workspace: string, block: ContentBlock): Promise<ContentBlock | FileRefused> {
  if (block.type === 'text' || !('file' in block.source)) return block;
  const { source } = block;
  const read = await readPromptFile(workspace, { ...block, source });
  return 'refused' in read ? { refused: `${read.refused}.` } : read;
}

const namesFile = (block: ContentBlock) => fileOf(block) !== null;

function fileOf(block: ContentBlock | undefined): string | null {
  return block === undefined || block.type === 'text' || !('file' in block.source) ? null : block.source.file;
}
