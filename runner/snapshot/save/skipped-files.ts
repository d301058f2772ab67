import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { SkippedFile } from '../../../protocol/api/workspace.ts';

/** As many as a report has room for. */
const TOLD = 20;
const LONGEST_PATH = 4096;

/** What a snapshot does not hold: the first few by name, the rest by number. */
export class SkippedFiles {
  readonly #named: SkippedFile[] = [];
  #more = 0;

  /** @param path its bytes, one a character */
  add(tree: TreeKind, path: string, why: string): void {
    const readable = Buffer.from(path, 'latin1').toString('utf8');
    const shown = tree === 'workspace' ? readable : `conversation: ${readable}`;
    if (this.#named.length < TOLD) this.#named.push({ path: shown.slice(0, LONGEST_PATH), why });
    else this.#more += 1;
  }

  get list(): SkippedFile[] {
    if (this.#more === 0) return this.#named;
    return [...this.#named.slice(0, TOLD - 1), { path: '', why: `${this.#more + 1} more are not saved either` }];
  }
}
