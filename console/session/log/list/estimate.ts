import type { Item } from '../../../transcript/item.ts';

/** How high an item is, about, until it has been in the page: pixels on a phone. */
export function estimate(item: Item | undefined): number {
  switch (item?.kind) {
    case 'prompt':
      return 80 + lines(item.text.slice(0, 2000));
    case 'text':
    case 'preview':
      return 40 + lines(item.text);
    case 'interaction':
      return item.state === 'open' ? 220 : 44;
    case 'tool':
    case 'turn':
    case 'begin':
      return 44;
    default:
      return 36;
  }
}

const lines = (text: string): number => Math.min(Math.ceil(text.length / 45), 60) * 22;
