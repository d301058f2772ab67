import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Forms in which a secret might be written down. */
export function formsOf(value: string): Record<string, string> {
  const bytes = Buffer.from(value);
  // Base64 of a text that has it at any place, without the letters that share bits with its neighbours.
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    return whole.slice(before === 0 ? 0 : before + 1, -1);
  });
  return {
    plain: value,
    hex: bytes.toString('hex'),
    ...Object.fromEntries(base64.map((text, index) => [`base64 ${index}`, text])),
  };
}

/** Large enough that a search costs more than its beginning. */
const BLOCK = 8 * 1024 * 1024;

export async function findInStream(stream: NodeJS.ReadableStream, patterns: readonly string[]): Promise<string[]> {
  const needles = patterns.map((text) => Buffer.from(text));
  const overlap = Math.max(...needles.map((needle) => needle.length));
  const found = new Set<string>();
  let waiting: Buffer[] = [];
  let size = 0;
  const search = (): void => {
    const block = Buffer.concat(waiting);
    for (const needle of needles) if (block.includes(needle)) found.add(needle.toString());
    waiting = [block.subarray(-overlap)];
    size = 0;
  };
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    waiting.push(bytes);
    size += bytes.length;
    if (size >= BLOCK) search();
  }
  search();
  return [...found];
}

/** So that what is looked for is not found in the list of what is looked for. */
export function backwards(text: string): string {
  return Array.from(text).toReversed().join('');
}

/** Files below a folder that hold one of the patterns, or have it in their name. */
export async function findInFolder(folder: string, patterns: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (patterns.some((pattern) => entry.name.includes(pattern))) found.push(file);
    if (entry.isFile() && (await findInStream(createReadStream(file), patterns)).length > 0) found.push(file);
  }
  return found;
}
