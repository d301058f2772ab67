import { isFields, listOf, numberOf, stringOf, type Fields } from '../fields.ts';
import type { ToolItem } from '../item.ts';

/** Lines that an edit adds and takes away; null: not known yet, or it failed. */
export function changedLines(tool: ToolItem): { readonly added: number; readonly removed: number } | null {
  if (tool.result === null || tool.result.isError) return null;
  const hunks = hunksOf(tool.result.details);
  if (hunks.length === 0) {
    const content = stringOf(tool.input['content']);
    return content === null ? null : { added: linesOf(content), removed: 0 };
  }
  let added = 0;
  let removed = 0;
  for (const { lines } of hunks) {
    for (const line of lines) {
      if (line.startsWith('+')) added += 1;
      else if (line.startsWith('-')) removed += 1;
    }
  }
  return { added, removed };
}

/** What an edit has changed, as a unified diff; null: Claude Code does not say. */
export function patchOf(tool: ToolItem): string | null {
  const hunks = tool.result === null || tool.result.isError ? [] : hunksOf(tool.result.details);
  if (hunks.length === 0) return null;
  return hunks.map(({ head, lines }) => [head, ...lines].join('\n')).join('\n');
}

interface Hunk {
  readonly head: string;
  readonly lines: readonly string[];
}

function hunksOf(details: Fields): readonly Hunk[] {
  return listOf(details['structuredPatch'])
    .filter(isFields)
    .map((hunk) => {
      const [oldStart, oldLines, newStart, newLines] = ['oldStart', 'oldLines', 'newStart', 'newLines'].map(
        (name) => numberOf(hunk[name]) ?? 0,
      );
      const lines = listOf(hunk['lines']).filter((line) => typeof line === 'string');
      return { head: `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, lines };
    });
}

const linesOf = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
