import type { DiffLine } from './lines.ts';

/** For each line the one that it replaces or is replaced by: removed lines and the added ones right after them, in order. */
export function pairsOf(lines: readonly DiffLine[]): ReadonlyMap<DiffLine, DiffLine> {
  const pairs = new Map<DiffLine, DiffLine>();
  let removed: DiffLine[] = [];
  let added: DiffLine[] = [];
  const close = () => {
    for (const [index, before] of removed.entries()) {
      const after = added[index];
      if (after !== undefined) pairs.set(before, after).set(after, before);
    }
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.kind === 'removed' && added.length > 0) close();
    if (line.kind === 'removed') removed.push(line);
    else if (line.kind === 'added') added.push(line);
    else close();
  }
  close();
  return pairs;
}
