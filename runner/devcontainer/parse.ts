import { createScanner, type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import * as z from 'zod';

/** Longest file, UTF-8 bytes. */
export const MAX_FILE_BYTES = 64 * 1024;
/** Deepest nesting. Nothing that is understood here is deeper than 4. */
const MAX_DEPTH = 32;

/** What a `devcontainer.json` says, by its own names. Each is looked at where it is used: one that does not fit is named, and left out. */
export type DevcontainerFile = Readonly<Record<string, unknown>>;

/** A file that cannot be used at all, in a sentence without its subject. */
export type ParsedFile =
  | { readonly ok: true; readonly file: DevcontainerFile }
  | { readonly ok: false; readonly why: string };

/** Reads JSON with comments and commas at ends, as editors take it. */
export function parseFile(text: string): ParsedFile {
  if (new TextEncoder().encode(text).length > MAX_FILE_BYTES)
    return { ok: false, why: `is longer than ${MAX_FILE_BYTES / 1024} KB` };
  // The parser calls itself for what is inside.
  if (depthOf(text) > MAX_DEPTH) return { ok: false, why: `is nested more than ${MAX_DEPTH} deep` };
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\uFEFF/, ''), errors, {
    allowTrailingComma: true,
    disallowComments: false,
  });
  const [error] = errors;
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split('\n').length;
    return { ok: false, why: `is not JSON at line ${line}: ${printParseErrorCode(error.error)}` };
  }
  // A field called `__proto__` would be more than a field.
  const object = z.record(z.string(), z.unknown()).safeParse(JSON.parse(JSON.stringify(value ?? null)));
  if (!object.success) return { ok: false, why: 'is no JSON object' };
  return { ok: true, file: object.data };
}

/** How deep its brackets are at most. Its kinds of tokens have no names at run time, so their first characters tell. */
function depthOf(text: string): number {
  const scanner = createScanner(text, true);
  let depth = 0;
  let most = 0;
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const first = text[scanner.getTokenOffset()] ?? '';
    if (first === '{' || first === '[') most = Math.max(most, ++depth);
    else if (first === '}' || first === ']') depth -= 1;
  }
  return most;
}
