import type { Prompt } from '../../../client/main.ts';
import { kindOf } from './attachment.ts';

type Block = Exclude<Prompt, string>[number];
type ImageType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

/** What a message says, as the API takes it. @throws Error with a sentence: a file cannot be read, or is not text */
export async function promptOf(text: string, files: readonly File[]): Promise<Prompt> {
  if (files.length === 0) return text;
  const blocks = await Promise.all(files.map(blockOf));
  return text.trim() === '' ? blocks : [...blocks, { type: 'text', text }];
}

async function blockOf(file: File): Promise<Block> {
  const kind = kindOf(file);
  const bytes = await bytesOf(file);
  if (kind === 'image') {
    // `kindOf` has looked.
    return { type: 'image', source: { type: 'base64', media_type: file.type as ImageType, data: base64(bytes) } };
  }
  const title = { title: Array.from(file.name).slice(0, 255).join('') };
  if (kind === 'pdf') {
    return {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: base64(bytes) },
      ...title,
    };
  }
  const data = utf8(file.name, bytes);
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...title };
}

async function bytesOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    throw new Error(`${file.name} can no longer be read. Choose it again.`, { cause });
  }
}

function utf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`${name} is no text in UTF-8. Upload it under Files, and name it in the message.`, { cause });
  }
}

/** A part at a time: a call takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  const PART = 8192;
  let binary = '';
  for (let at = 0; at < bytes.length; at += PART) binary += String.fromCharCode(...bytes.subarray(at, at + PART));
  return btoa(binary);
}
