import { type LeftOut, MAX_LEFT_OUT } from '../../protocol/git/left-out.ts';
import { clip } from '../lib/clip.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';

const PATH_CHARACTERS = 1024;
const WHY_CHARACTERS = 512;

/** What a clone does not have, in bounded number. */
export class LeftOutList {
  readonly items: LeftOut[];
  /** All of them, named or not. */
  count: number;

  constructor(items: readonly LeftOut[] = [], count = 0) {
    this.items = [...items];
    this.count = count;
  }

  add(path: string, why: string): void {
    this.count += 1;
    if (this.items.length >= MAX_LEFT_OUT) return;
    this.items.push({ path: clip(path, PATH_CHARACTERS), why: clip(maskCredentials(why), WHY_CHARACTERS) });
  }
}

/** What git said last is what went wrong. */
export function lastLine(words: string): string {
  return words.trim().split('\n').at(-1) ?? '';
}
