import { constants } from 'node:fs';
import { open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import type { DocumentBlock, ImageBlock } from '../../protocol/content/blocks.ts';
import { imageFacts } from '../../protocol/content/image.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/settings/limits.ts';

/** Why a file cannot be given to `claude`, as a sentence with its subject. */
export interface FileRefused {
  readonly refused: string;
}

/** Bytes at the beginning of a file that tell what it is. */
const HEADER_BYTES = 1024;

/**
 * The block with the content of the workspace's file that it names. What the file is, its content decides, never its name.
 *
 * @param workspace the workspace's folder
 */
export async function readPromptFile(
  workspace: string,
  block: (ImageBlock | DocumentBlock) & { source: { file: string } },
): Promise<ImageBlock | DocumentBlock | FileRefused> {
  const { file } = block.source;
  const bytes = await readWithin(workspace, file);
  if ('refused' in bytes) return { refused: `${file} ${bytes.refused}` };
  if (block.type === 'image') return imageBlock(bytes) ?? { refused: `${file} is no JPEG, PNG, GIF or WebP image` };
  const { title = basename(file) } = block;
  return documentBlock(bytes, title) ?? { refused: `${file} is neither a PDF nor text in UTF-8` };
}

function imageBlock(bytes: Buffer): ImageBlock | null {
  const facts = imageFacts(bytes.toString('latin1', 0, HEADER_BYTES));
  if (facts === null) return null;
  const { media_type } = facts;
  return { type: 'image', source: { type: 'base64', media_type, data: bytes.toString('base64') } };
}

function documentBlock(bytes: Buffer, title: string): DocumentBlock | null {
  if (bytes.subarray(0, HEADER_BYTES).includes('%PDF-')) {
    const source = { type: 'base64', media_type: 'application/pdf', data: bytes.toString('base64') } as const;
    return { type: 'document', source, title };
  }
  const data = utf8(bytes);
  if (data === null) return null;
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, title };
}

/** Text; null: it is none. A zero byte is valid UTF-8, but no text has it. */
function utf8(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * Reads a file of the workspace. Symlinks are followed, within the workspace. What runs here may replace any part of the path
 * at any moment. So once the file is open, the kernel is asked where it lies: that does not change any more.
 */
async function readWithin(workspace: string, path: string): Promise<Buffer | FileRefused> {
  let root: string;
  let file: FileHandle;
  try {
    root = await realpath(workspace);
    const resolved = await realpath(join(root, path));
    if (!isWithin(root, resolved)) return OUTSIDE;
    const { O_RDONLY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Without O_NONBLOCK, opening a pipe would wait for its other end.
    file = await open(resolved, O_RDONLY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    return { refused: whyNot(error) };
  }
  try {
    if (!isWithin(root, await readlink(`/proc/self/fd/${file.fd}`))) return OUTSIDE;
    const stats = await file.stat();
    if (!stats.isFile()) return { refused: 'is not a file' };
    if (stats.size > MAX_CONTENT_BYTES) return tooLarge(stats.size);
    return await readAll(file);
  } catch (error) {
    return { refused: whyNot(error) };
  } finally {
    await file.close();
  }
}

const OUTSIDE: FileRefused = { refused: 'lies outside the workspace' };

const isWithin = (root: string, path: string) => path.startsWith(root.endsWith(sep) ? root : root + sep);

/** Reads to the end, but no more than a message may hold: the file may grow. */
async function readAll(file: FileHandle): Promise<Buffer | FileRefused> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    if (!Buffer.isBuffer(chunk)) throw new Error('a stream of bytes gave text');
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_CONTENT_BYTES) return tooLarge(size);
  }
  return Buffer.concat(chunks);
}

function tooLarge(bytes: number): FileRefused {
  return { refused: `has ${bytes} bytes, and a message holds ${MAX_CONTENT_BYTES}` };
}

/** What the kernel says of a path, in words. @throws what is no such answer */
function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  switch (code) {
    case null:
      throw error;
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is not there';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    case 'ELOOP':
      return 'is a symlink that leads nowhere';
    case 'ENXIO':
      return 'is not a file';
    case 'EISDIR':
      return 'is a folder';
    default:
      return `could not be read (${code})`;
  }
}
