import type { Item } from '../../transcript/item.ts';

/** The tools of the turns that are loaded, by the ids of messages and turns: `Bash ×3`. */
export function toolsOfTurns(items: readonly Item[]): ReadonlyMap<string, readonly string[]> {
  const tools = new Map<string, readonly string[]>();
  for (const item of items) {
    if (item.kind !== 'turn') continue;
    const names = [...item.tools].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`));
    for (const id of item.ids) tools.set(id, names);
  }
  return tools;
}
