import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { CLONE_DONE, CLONE_FOLDER, CLONE_TREE } from '../../protocol/git/clone-folder.ts';
import { leftOut } from '../../protocol/git/left-out.ts';
import { WORKSPACE } from '../../protocol/git/repository-path.ts';
import type { LeftOutList } from './left-out.ts';

/** What `CLONE_DONE` says of a clone that is whole, and may have been moved in part. `path`: the folder that it is moved to. */
const done = z.object({ left_out: leftOut, left_out_count: z.int().min(0), path: z.string().default(WORKSPACE) });
export type Whole = z.infer<typeof done>;

/** The folder of the workspace in which one repository after the other is cloned. */
export class UnfinishedClone {
  readonly folder: string;
  readonly tree: string;
  readonly #done: string;

  constructor(workspace: string) {
    this.folder = path.join(workspace, CLONE_FOLDER);
    this.tree = path.join(this.folder, CLONE_TREE);
    this.#done = path.join(this.folder, CLONE_DONE);
  }

  /** The clone in it that is whole; null: there is none. */
  async whole(): Promise<Whole | null> {
    if (!existsSync(this.#done)) return null;
    const says = done.safeParse(parseJson(await readFile(this.#done, 'utf8')));
    // Of a clone that is not said to be whole, nothing is known: it is made anew.
    return says.success ? says.data : null;
  }

  async isWhole(of: string, { items: left_out, count: left_out_count }: LeftOutList): Promise<void> {
    const says: Whole = { left_out, left_out_count, path: of };
    const half = `${this.#done}.new`;
    await writeFile(half, JSON.stringify(says));
    await rename(half, this.#done);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
