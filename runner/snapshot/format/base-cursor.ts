import type { FileRow, Manifest, Row } from './manifest.ts';

/** Rows that are remembered by their content, at most. */
const BY_CONTENT = 100_000;

/** Goes through a base's rows beside a walk: both have the same order, so that neither is ever held whole. */
export class BaseCursor {
  readonly #manifest: Manifest;
  readonly #rows: Iterator<Row, void>;
  #next: Row | undefined;
  /** Of `#next`, among the files. */
  #file = -1;
  #byContent: Map<string, FileRow> | undefined;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#rows = rowsOf(manifest);
    this.#advance();
  }

  /** The row of this path, which comes after all that were asked for before; and which of the files it is. */
  at(path: string): { row: Row; file: number } | undefined {
    while (this.#next !== undefined && this.#next[1] !== path && inOrder(this.#next[1], path)) this.#advance();
    return this.#next?.[1] === path ? { row: this.#next, file: this.#file } : undefined;
  }

  /** A file with this content, wherever it is. */
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

/** Whether a walk comes by `a` before `b`: by the bytes of their names, folder by folder. */
export function inOrder(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    // What ends a name comes before all that goes on.
    if (left !== right) return (left === SLASH ? 0 : left) < (right === SLASH ? 0 : right);
  }
  return a.length < b.length;
}

const SLASH = '/'.charCodeAt(0);
