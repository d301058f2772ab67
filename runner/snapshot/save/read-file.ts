import { createHash, hash } from 'node:crypto';
import { closeSync, fstatSync, readSync, type Stats } from 'node:fs';
import { openFile } from '../safe-path-sync.ts';
import type { BlockWriter } from '../format/block-writer.ts';
import { BLOCK, CLOCK_TICK_MS, LARGEST_HOLE, READ_TRIES, SMALL } from '../format/limits.ts';

/** Where a file's bytes are, as in `FileRow`. */
export interface Place {
  start: number;
  blocks: number[];
}

/** A consistent copy of a file's content. */
interface Content extends Place {
  stats: Stats;
  /** Base64url. */
  sha256: string;
}

/** Finds content in the base, for reuse in the new tree; undefined: the base does not have it, or it may not be reused. */
export type FindContent = (sha256: string) => Place | undefined;

export type ReadResult =
  | { ok: true; content: Content }
  | { ok: false; what: 'not_a_file' | 'sparse' | 'too_large' | 'changing'; why: string };

/**
 * Reads a consistent copy of a file. If it changes while it is read, it is read again, a few times.
 *
 * @param at the file's path, by an open folder
 * @param largest most bytes that the file may have
 * @throws the kernel's error if it cannot be opened
 */
export async function readFile(
  at: string | Buffer,
  writer: BlockWriter,
  findContent: FindContent,
  largest = Infinity,
): Promise<ReadResult> {
  const descriptor = openFile(at);
  try {
    for (let tries = 0; tries < READ_TRIES; tries += 1) {
      const { stats: before, reliable } = statAfterTick(descriptor);
      if (!reliable) continue;
      if (!before.isFile()) return { ok: false, what: 'not_a_file', why: 'became something else while it was read' };
      if (before.size > largest)
        return { ok: false, what: 'too_large', why: `has ${before.size} bytes, and at most ${largest} are allowed` };
      if (before.size - before.blocks * 512 > LARGEST_HOLE)
        return { ok: false, what: 'sparse', why: `is sparse: of its ${before.size} bytes nearly all are holes` };
      const read =
        before.size <= SMALL
          ? readSmall(descriptor, before, writer, findContent)
          : await readLarge(descriptor, before, writer);
      if (read !== undefined) return { ok: true, content: { stats: before, ...read } };
    }
    return { ok: false, what: 'changing', why: `changed each of the ${READ_TRIES} times that it was read` };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A file's status, and whether it will show a change from now on. File times come from a clock with coarse ticks: a second change
 * within the same tick does not show. So this waits once for the tick to pass.
 */
function statAfterTick(descriptor: number): { stats: Stats; reliable: boolean } {
  const stats = fstatSync(descriptor);
  if (!isFresh(stats)) return { stats, reliable: true };
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * CLOCK_TICK_MS);
  const later = fstatSync(descriptor);
  return { stats: later, reliable: !isFresh(later) };
}

/** Whether the last change may be within the current tick. A time in the future means that the clock was set back. */
const isFresh = ({ ctimeMs }: Stats) => Math.abs(Date.now() - ctimeMs) <= CLOCK_TICK_MS;

function isUnchanged(descriptor: number, before: Stats): boolean {
  const after = fstatSync(descriptor);
  return before.size === after.size && before.ctimeMs === after.ctimeMs && before.mtimeMs === after.mtimeMs;
}

type Read = Omit<Content, 'stats'> | undefined;

function readSmall(descriptor: number, before: Stats, writer: BlockWriter, findContent: FindContent): Read {
  const { size } = before;
  const { buffer, at } = writer.reserve(size);
  if (fill(descriptor, buffer, at, size, 0) !== size || !isUnchanged(descriptor, before)) return undefined;
  const sha256 = hash('sha256', buffer.subarray(at, at + size), 'base64url');
  if (size === 0) return { sha256, start: 0, blocks: [] };
  const same = findContent(sha256);
  if (same !== undefined) return { sha256, ...same };
  const { block, start } = writer.commit(size);
  return { sha256, start, blocks: [block] };
}

async function readLarge(descriptor: number, before: Stats, writer: BlockWriter): Promise<Read> {
  const whole = createHash('sha256');
  const blocks: number[] = [];
  for (let position = 0; position < before.size; position += BLOCK) {
    if (!writer.hasCapacity) await writer.capacity();
    const wanted = Math.min(BLOCK, before.size - position);
    const buffer = writer.buffer();
    if (fill(descriptor, buffer, 0, wanted, position) !== wanted) {
      writer.releaseBuffer(buffer);
      return undefined;
    }
    const content = buffer.subarray(0, wanted);
    whole.update(content);
    blocks.push(writer.addPiece(buffer, wanted, hash('sha256', content, 'base64url')));
  }
  return isUnchanged(descriptor, before) ? { sha256: whole.digest('base64url'), start: 0, blocks } : undefined;
}

/** Reads into a buffer. @returns bytes read; fewer than wanted at the file's end */
function fill(descriptor: number, buffer: Buffer, at: number, wanted: number, position: number): number {
  let filled = 0;
  while (filled < wanted) {
    const read = readSync(descriptor, buffer, at + filled, wanted - filled, position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
