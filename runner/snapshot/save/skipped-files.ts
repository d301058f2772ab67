import type { TreeKind } from '../../../protocol/link/runner-control.ts';
import type { SkippedFile } from '../../../protocol/api/files/workspace.ts';

/** Most entries in a report. */
const MAX_REPORTED = 20;
const LONGEST_PATH = 4096;

/** Files that a snapshot leaves out: the first few by name, the rest as a count. */
export class SkippedFiles {
  readonly #named: SkippedFile[] = [];
  #more = 0;

  /** @param path one character for each byte */
  add(tree: TreeKind, path: string, why: string): void {
    const readable = Buffer.from(path, 'latin1').toString('utf8');
    const shown = tree === 'workspace' ? readable : `conversation: ${readable}`;
    if (this.#named.length < MAX_REPORTED) this.#named.push({ path: shown.slice(0, LONGEST_PATH), why });
    else this.#more += 1;
  }

  get list(): SkippedFile[] {
    if (this.#more === 0) return this.#named;
    return [
      ...this.#named.slice(0, MAX_REPORTED - 1),
      { path: '', why: `${this.#more + 1} more are not saved either` },
    ];
  }
}
