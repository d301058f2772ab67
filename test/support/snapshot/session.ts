import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { restoreTree, type RestoreInput } from '../../../runner/snapshot/restore/restore-tree.ts';
import { saveSnapshot, type SaveInput } from '../../../runner/snapshot/save/save-snapshot.ts';
import type { ObjectStore } from '../../../runner/storage/object-store.ts';

export const OWNER = 'a'.repeat(64);
export const goOn = (): void => {};
/** A quarter of the usual: for several packs, fewer bytes have to be written and hashed. */
export const small = { pack_bytes: 4 * 1024 * 1024 };

/** A session's folders, and what is done with them in one storage. */
export class Session {
  readonly store: ObjectStore;
  readonly root: string;

  constructor(store: ObjectStore, root: string) {
    this.store = store;
    this.root = root;
    for (const folder of [this.workspace, this.conversation]) mkdirSync(folder, { recursive: true });
  }

  get workspace(): string {
    return path.join(this.root, 'workspace');
  }

  get conversation(): string {
    return path.join(this.root, 'claude');
  }

  get cache(): string {
    return path.join(this.root, 'cache');
  }

  input(more: Partial<SaveInput> = {}): SaveInput {
    const { workspace, conversation, cache } = this;
    const own = { owner: OWNER, snapshot_id: randomUUID(), workspace, conversation, cache };
    return { ...own, base: null, quota_bytes: null, ...more };
  }

  /** A snapshot that has to succeed. */
  async save(more: Partial<SaveInput> = {}) {
    const input = this.input(more);
    const saved = await saveSnapshot(this.store, input, goOn);
    if (!saved.ok) expect.fail(`${saved.why}: ${saved.detail}`);
    return { ...saved, id: input.snapshot_id };
  }

  /** Restores a tree into a folder of its own. @returns the folder */
  async restore(id: string, more: Partial<RestoreInput> = {}): Promise<string> {
    const into = path.join(this.root, `restored-${randomUUID()}`);
    const input = { owner: OWNER, snapshot_id: id, tree: 'workspace' as const, into, cache: `${into}.cache`, ...more };
    const restored = await restoreTree(this.store, input, goOn);
    if (!restored.ok) expect.fail(`${restored.why}: ${restored.detail}`);
    return input.into;
  }
}
