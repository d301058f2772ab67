import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { RunnerOptions } from '../../../runner/session/runner-options.ts';
import { Changes } from '../changes.ts';
import { scratch } from '../scratch.ts';

type Service = RunnerOptions['snapshots'];
type SaveInput = Parameters<Service['save']>[0];
type RestoreInput = Parameters<Service['restore']>[0];

/** What a sweep says that finds nothing to do. */
export const NOTHING_SWEPT = { removed: 0, removed_bytes: 0, marked: 0, owner_bytes: 0, withheld: null };

/** A storage and its snapshots as copied folders, which can be made to be away, to be slow, or to refuse. */
export class FakeSnapshots {
  readonly changes = new Changes();
  readonly id: string;
  readonly kind = 'folder' as const;
  readonly #root = scratch();
  /** Every save that was begun, in order. */
  readonly saves: SaveInput[] = [];
  /** Ids of the stored ones, in order. */
  readonly stored: string[] = [];
  readonly restores: RestoreInput[] = [];
  readonly dropped: unknown[] = [];
  readonly swept: string[] = [];
  /** The storage cannot be reached. */
  down = false;
  /** Saves end so. */
  refusal: { why: 'quota_exceeded' | 'failed'; detail: string } | undefined;
  /** Saves that were begun wait for it. */
  gate: Promise<unknown> | undefined;
  atOnce = 0;
  mostAtOnce = 0;

  constructor(id = 'storage-1') {
    this.id = id;
  }

  async health() {
    return { ok: !this.down, detail: this.down ? 'It does not answer.' : 'It answers.' };
  }

  async save(input: SaveInput): ReturnType<Service['save']> {
    this.saves.push(input);
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    this.changes.notify();
    try {
      const aborted = new Promise((resolve) => input.signal.addEventListener('abort', resolve, { once: true }));
      if (this.gate !== undefined) await Promise.race([this.gate, aborted]);
      if (input.signal.aborted) return { ok: false, why: 'failed', detail: 'It was aborted.' };
      if (this.down) return { ok: false, why: 'storage_unavailable', detail: 'It does not answer.' };
      if (this.refusal !== undefined) return { ok: false, ...this.refusal };
      for (const tree of ['workspace', 'conversation'] as const)
        cpSync(input[tree], this.#tree(input.snapshot_id, tree), { recursive: true, verbatimSymlinks: true });
      this.stored.push(input.snapshot_id);
      return { ok: true, files: 1, bytes: 2, new_bytes: 3, owner_bytes: 4, skipped: [] };
    } finally {
      this.atOnce -= 1;
      this.changes.notify();
    }
  }

  async restore(input: RestoreInput): ReturnType<Service['restore']> {
    this.restores.push(input);
    this.changes.notify();
    if (this.down) return { ok: false, why: 'storage_unavailable', detail: 'It does not answer.' };
    const from = this.#tree(input.snapshot_id, input.tree);
    if (!existsSync(from)) return { ok: false, why: 'snapshot_missing', detail: 'There is no such tree.' };
    rmSync(input.into, { recursive: true, force: true });
    mkdirSync(path.dirname(input.into), { recursive: true });
    cpSync(from, input.into, { recursive: true, verbatimSymlinks: true });
    return { ok: true, files: readdirSync(from).length, bytes: 5 };
  }

  // eslint-disable-next-line require-yield
  async *entries(): ReturnType<Service['entries']> {
    throw new Error('it keeps no entries');
  }

  // eslint-disable-next-line require-yield
  async *content(): ReturnType<Service['content']> {
    throw new Error('it keeps no entries');
  }

  async share(): ReturnType<Service['share']> {
    throw new Error('it keeps no artifacts');
  }

  async artifact(): ReturnType<Service['artifact']> {
    throw new Error('it keeps no artifacts');
  }

  async drop(owner: string, trees: Parameters<Service['drop']>[1]) {
    this.dropped.push({ owner, trees });
    this.changes.notify();
  }

  async *owners() {
    yield await Promise.resolve('a'.repeat(64));
  }

  async *trees(): ReturnType<Service['trees']> {
    for (const snapshot_id of this.stored) {
      const modified = statSync(this.#tree(snapshot_id, 'workspace')).ctimeMs;
      yield await Promise.resolve({ snapshot_id, tree: 'workspace' as const, modified });
    }
  }

  async sweep(owner: string): ReturnType<Service['sweep']> {
    this.swept.push(owner);
    this.changes.notify();
    return NOTHING_SWEPT;
  }

  async close() {}

  /** Where what was stored of a tree is. */
  #tree(snapshotId: string, tree: string): string {
    return path.join(this.#root, snapshotId, tree);
  }

  workspace(snapshotId: string): string {
    return this.#tree(snapshotId, 'workspace');
  }
}
