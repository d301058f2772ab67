/** A line of a diff. Its numbers are the file's before and after. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  readonly before: number | null;
  readonly after: number | null;
}

/** Lines that follow each other in a file. */
export interface Hunk {
  /** What stands behind its numbers, the function's name mostly. */
  readonly title: string;
  readonly lines: readonly DiffLine[];
}

/** What has become of one file. */
export interface FileDiff {
  /** `null`: nothing says it. */
  readonly path: string | null;
  /** What it was called, where that is another name. */
  readonly oldPath: string | null;
  /** What there is besides lines: a mode, a binary file, no line break at the end. */
  readonly notes: readonly string[];
  readonly hunks: readonly Hunk[];
}

/** How many lines were added and removed. */
export function sizeOf({ hunks }: FileDiff): { readonly added: number; readonly removed: number } {
  let added = 0;
  let removed = 0;
  for (const { lines } of hunks)
    for (const { kind } of lines) {
      if (kind === 'added') added++;
      if (kind === 'removed') removed++;
    }
  return { added, removed };
}
