const MAX_NAMED = 64;
const NAME_CHARACTERS = 128;
const WHY_CHARACTERS = 300;

/** A part of the file that has no effect here, and why. */
export interface Unsupported {
  readonly name: string;
  readonly why: string;
}

/** What has no effect, in bounded number: whoever wrote the file could name any number of things. */
export class UnsupportedList {
  readonly #items: Unsupported[] = [];
  #more = 0;

  add(name: string, why: string): void {
    if (this.#items.some((item) => item.name === name && item.why === why)) return;
    if (this.#items.length >= MAX_NAMED) this.#more += 1;
    else this.#items.push({ name: shown(name, NAME_CHARACTERS), why: shown(why, WHY_CHARACTERS) });
  }

  get items(): Unsupported[] {
    if (this.#more === 0) return this.#items;
    return [...this.#items, { name: '…', why: `and ${this.#more} more` }];
  }
}

const shown = (text: string, characters: number) => {
  const clean = text.toWellFormed().replaceAll(/\p{Cc}/gu, ' ');
  return clean.length <= characters ? clean : `${clean.slice(0, characters - 1).toWellFormed()}…`;
};
