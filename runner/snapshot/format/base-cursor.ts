import type { FileRow, Manifest, Row } from './manifest.ts';

/** Most rows in the index by content. */
const BY_CONTENT = 100_000;

/** Reads a base's rows in step with a walk. Both have the same order, so neither must be in memory completely. */
export class BaseCursor {
  readonly #manifest: Manifest;
  readonly #rows: Iterator<Row, void>;
  #next: Row | undefined;
  /** Index of `#next` among the files. */
  #file = -1;
  #byContent: Map<string, FileRow> | undefined;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#rows = rowsOf(manifest);
    this.#advance();
  }

  /** The row of this path, and its index among the files. Call it with paths in the order of the walk. */
  at(path: string): { row: Row; file: number } | undefined {
    while (this.#next !== undefined && this.#next[1] !== path && inOrder(this.#next[1], path)) this.#advance();
    return this.#next?.[1] === path ? { row: this.#next, file: this.#file } : undefined;
  }

  /** A file with this content, at any path. */
  withContent(sha256: string): FileRow | undefined {
    this.#byContent ??= indexed(this.#manifest);
    return this.#byContent.get(sha256);
  }

  #advance(): void {
    const { value } = this.#rows.next();
    this.#next = value ?? undefined;
    if (this.#next?.[0] === 'f') this.#file += 1;
  }
}

export function* rowsOf(manifest: Manifest): Generator<Row, void> {
  for (const section of manifest.sections()) yield* section;
}

function indexed(manifest: Manifest): Map<string, FileRow> {
  const found = new Map<string, FileRow>();
  for (const row of rowsOf(manifest)) {
    if (row[0] === 'f') found.set(row[5], row);
    if (found.size >= BY_CONTENT) break;
  }
  return found;
}

/** Whether a walk reaches `a` before `b`: it compares the bytes of names, folder by folder. */
export function inOrder(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    // A slash ends a name, so it sorts before every other byte.
    if (left !== right) return (left === SLASH ? 0 : left) < (right === SLASH ? 0 : right);
  }
  return a.length < b.length;
}

const SLASH = '/'.charCodeAt(0);
