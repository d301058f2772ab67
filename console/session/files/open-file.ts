import { CcDockerError } from '../../../client/main.ts';
import { kindOf, MOST_IMAGE, MOST_SHOWN, type FileKind } from './file-kind.ts';

/** A file as it is shown. */
export interface OpenFile {
  /** Bytes; null: the service does not say. */
  readonly size: number | null;
  readonly shown: FileKind;
  /** Of an image, all of it; null: it is too large to be shown. */
  readonly base64: string | null;
  /** Not all of its text is here. */
  readonly isCut: boolean;
}

/** Reads a file, or a part of it (as the header `Range`). */
type Read = (options: { readonly range?: string; readonly signal: AbortSignal }) => Promise<Response>;

/** Reads as much of a file as is shown. @throws CcDockerError `not_a_file`: it is a folder */
export async function openFile(read: Read, signal: AbortSignal): Promise<OpenFile> {
  const part = await readPart(read, signal);
  const bytes = new Uint8Array(await part.arrayBuffer());
  const size = sizeOf(part, bytes.length);
  const isWhole = size === bytes.length;
  const shown = kindOf(bytes, isWhole);
  if (shown.kind !== 'image') return { size, shown, base64: null, isCut: !isWhole };
  if (isWhole) return { size, shown, base64: base64(bytes), isCut: false };
  if (size === null || size > MOST_IMAGE) return { size, shown, base64: null, isCut: true };
  const whole = await read({ signal });
  return { size, shown, base64: base64(new Uint8Array(await whole.arrayBuffer())), isCut: false };
}

async function readPart(read: Read, signal: AbortSignal): Promise<Response> {
  try {
    return await read({ range: `bytes=0-${MOST_SHOWN - 1}`, signal });
  } catch (error) {
    // A file without a byte has no first one.
    if (error instanceof CcDockerError && error.code === 'range_not_satisfiable') return new Response('');
    throw error;
  }
}

/** Of the whole file: `bytes 0-99/1234`. */
function sizeOf(part: Response, read: number): number | null {
  const range = part.headers.get('content-range');
  if (range === null) return read;
  const size = Number(range.split('/')[1]);
  return Number.isInteger(size) ? size : null;
}

function base64(bytes: Uint8Array): string {
  const PART = 8192;
  let binary = '';
  for (let at = 0; at < bytes.length; at += PART) binary += String.fromCharCode(...bytes.subarray(at, at + PART));
  return btoa(binary);
}
