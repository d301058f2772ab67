import { isFields, stringOf } from '../../../transcript/fields.ts';
import type { Item } from '../../../transcript/item.ts';
import { toolLine } from '../../../transcript/tools/tool-line.ts';

/** All that is written in an item, opened or not, for a search. */
function* textsOf(item: Item): Generator<string> {
  switch (item.kind) {
    case 'prompt':
    case 'text':
    case 'thinking':
    case 'preview':
      yield item.text;
      return;
    case 'notice':
      yield item.text;
      if (item.detail !== null) yield item.detail;
      return;
    case 'turn':
      if (item.error !== null) yield item.error;
      return;
    case 'interaction':
      yield* stringsOf(item.subject);
      yield* stringsOf(item.resolution);
      return;
    case 'tool': {
      const { name, what } = toolLine(item);
      yield `${name} ${what}`;
      yield* stringsOf(item.input);
      for (const block of item.result?.blocks ?? []) yield stringOf(block['text']) ?? '';
      if (item.task?.summary !== null && item.task !== null) yield item.task.summary;
      for (const child of item.children) yield* textsOf(child);
      return;
    }
    case 'unknown':
      yield item.type;
      yield* stringsOf(item.data);
      return;
    default:
  }
}

function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const part of value) yield* stringsOf(part);
  else if (isFields(value)) for (const part of Object.values(value)) yield* stringsOf(part);
}

/** Whether what is looked for stands in an item. @param wanted in small letters */
export function has(item: Item, wanted: string): boolean {
  for (const text of textsOf(item)) if (text.toLowerCase().includes(wanted)) return true;
  return false;
}
