import { DurableObject } from 'cloudflare:workers';
import { edgeSettings, type EdgeSettings } from '../protocol/edge-settings.ts';
import type { Refusal } from '../protocol/problem.ts';
import type { TreeName } from '../protocol/runner-control.ts';
import type { CreateSessionRequest, SessionStatus } from '../protocol/session.ts';
import type { SnapshotView, StorageView, WorkspaceView } from '../protocol/workspace.ts';
import type { Beginning, Head } from './core/session-files.ts';
import { ACTIVE } from './core/session-state.ts';
import type { EdgeEnv } from './edge-env.ts';
import { OwnerStorage, type ForkOrigin, type HoldAnswer, type HoldInput, type RecordInput } from './owner-storage.ts';
import type { StoredSessionView, VersionedSummary } from './session-views.ts';

type StoredSummary = VersionedSummary['summary'];

export interface CreateInput {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly idempotency_key: string | undefined;
  /** It begins as a fork, of what the caller asked for in these words (they go with the key). */
  readonly fork?: ForkOrigin & { readonly asked: string };
}

export interface ListInput {
  readonly status: SessionStatus | undefined;
  readonly limit: number;
  /** Rows to skip: the seed's way of paging. */
  readonly offset: number;
  /** The id of the last session of the page before. */
  readonly cursor: string | undefined;
}

export interface ListPage {
  readonly data: StoredSummary[];
  readonly next_cursor: string | null;
  readonly total: number;
}

/** As a session is begun; stored, for its `Session` may have to be told again. */
interface Begun {
  readonly request: CreateSessionRequest;
  readonly beginning: Beginning;
}

/**
 * One owner's sessions, and what they keep in the storage: which there are, and how many may be. What sessions do is known to each
 * `Session` itself.
 */
export class Directory extends DurableObject<EdgeEnv> {
  readonly #settings: EdgeSettings;
  readonly #sql: SqlStorage;
  readonly #storage: OwnerStorage;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS sessions (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, changes INTEGER NOT NULL, summary TEXT) WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS session_keys (
      key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`);
    this.#sql.exec('CREATE TABLE IF NOT EXISTS begun (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
    this.#storage = new OwnerStorage(this.#sql, this.#settings, env, ctx.id.toString());
  }

  /** Reserves a place among the owner's sessions and begins one. The same key with the same body is the same session. */
  async create(input: CreateInput): Promise<StoredSessionView | Refusal> {
    const reserved = this.#reserve(input);
    return typeof reserved === 'string' ? this.#begin(reserved, input.owner) : reserved;
  }

  /** The fork that this key has made of what was asked in these words; null: none yet. */
  async forked(key: string, asked: string, owner: string): Promise<StoredSessionView | Refusal | null> {
    const made = this.#made(key, asked);
    return typeof made === 'string' ? this.#begin(made, owner) : made;
  }

  list({ status, limit, offset, cursor }: ListInput): ListPage {
    const where = `summary IS NOT NULL ${status === undefined ? '' : 'AND status = ?'}`;
    const args = status === undefined ? [] : [status];
    const { total } = this.#sql
      .exec<{ total: number }>(`SELECT count(*) AS total FROM sessions WHERE ${where}`, ...args)
      .one();
    // UUIDv7 sorts by time: the newest first.
    const rows = [
      ...this.#sql.exec<{ id: string; summary: string }>(
        `SELECT id, summary FROM sessions WHERE ${where} ${cursor === undefined ? '' : 'AND id < ?'} ORDER BY id DESC LIMIT ? OFFSET ?`,
        ...args,
        ...(cursor === undefined ? [] : [cursor]),
        limit + 1,
        offset,
      ),
    ];
    const page = rows.slice(0, limit);
    return {
      data: page.map(({ summary }) => JSON.parse(summary) as StoredSummary),
      next_cursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
      total,
    };
  }

  /** A session has changed. What comes late, or for a session that has been removed, changes nothing. */
  update({ changes, summary }: VersionedSummary): void {
    this.#sql.exec(
      'UPDATE sessions SET status = ?, changes = ?, summary = ? WHERE id = ? AND changes < ?',
      summary.status,
      changes,
      JSON.stringify(summary),
      summary.session_id,
      changes,
    );
  }

  /** The session is deleted, and what it stored goes, unless somebody else needs it. */
  async remove(sessionId: string): Promise<void> {
    this.#sql.exec('DELETE FROM sessions WHERE id = ?', sessionId);
    this.#sql.exec('DELETE FROM session_keys WHERE id = ?', sessionId);
    this.#sql.exec('DELETE FROM begun WHERE id = ?', sessionId);
    await this.#storage.forget(sessionId);
  }

  hold(input: HoldInput): HoldAnswer {
    // Asked for before the session was deleted: nobody would let go of it.
    if (!this.#isThere(input.session_id)) return { held: false, by: input.session_id };
    return this.#storage.hold(input, Date.now());
  }

  release(input: HoldInput, head: Head | null): void {
    this.#storage.release(input, head, Date.now());
  }

  look(workspaceId: string): { readonly held_by: string | null; readonly head: Head | null } {
    return this.#storage.look(workspaceId);
  }

  /** A session's snapshot has been stored. */
  async recordSnapshot(input: RecordInput): Promise<void> {
    // One that has been deleted since needs nothing; a sweep finds the snapshot.
    if (this.#isThere(input.view.session_id)) await this.#storage.record(input, Date.now());
  }

  /** Of these trees those that nothing needs any more. */
  unreferenced(trees: readonly TreeName[]): TreeName[] {
    return this.#storage.unreferenced(trees);
  }

  /** Those of these snapshots that are kept. */
  keptSnapshots(ids: readonly string[]): string[] {
    return this.#storage.known(ids);
  }

  quotaRefusal(): Refusal | null {
    return this.#storage.quotaRefusal();
  }

  storageUsage(): StorageView {
    return this.#storage.usage();
  }

  workspace(id: string): WorkspaceView | Refusal {
    return this.#storage.workspace(id);
  }

  workspaces(cursor: string | undefined, limit: number): { data: WorkspaceView[]; next_cursor: string | null } {
    return this.#storage.workspaces(cursor, limit);
  }

  workspaceSnapshots(
    id: string,
    cursor: string | undefined,
    limit: number,
  ): { data: SnapshotView[]; next_cursor: string | null } | Refusal {
    return this.#storage.snapshotsOf(id, cursor, limit);
  }

  removeWorkspace(id: string): Promise<{ deleted: true } | Refusal> {
    return this.#storage.removeWorkspace(id);
  }

  #isThere(sessionId: string): boolean {
    return this.#sql.exec('SELECT 1 FROM sessions WHERE id = ?', sessionId).toArray().length > 0;
  }

  /** Begins a session that has its place; one that has begun stays as it is. */
  async #begin(id: string, owner: string): Promise<StoredSessionView> {
    const { json } = this.#sql.exec<{ json: string }>('SELECT json FROM begun WHERE id = ?', id).one();
    const { request, beginning } = JSON.parse(json) as Begun;
    const created = await this.env.SESSION.get(this.env.SESSION.idFromName(id)).create(id, owner, request, beginning);
    this.update(created.listed);
    return created.view;
  }

  /** The session that this key has made of this body; null: none yet. */
  #made(key: string, body: string): string | Refusal | null {
    const rows = this.#sql.exec<{ id: string; body: string }>('SELECT id, body FROM session_keys WHERE key = ?', key);
    const seen = [...rows][0];
    if (seen === undefined || seen.body === body) return seen?.id ?? null;
    const detail = 'It came with another body before. Send a new key for a new session.';
    return { refused: 'idempotency_key_reused', detail };
  }

  #reserve({ session_id, request, idempotency_key: key, fork }: CreateInput): string | Refusal {
    const body = fork?.asked ?? JSON.stringify(request);
    const made = key === undefined ? null : this.#made(key, body);
    if (made !== null) return made;
    const begun = this.#storage.begin(session_id, request, fork ?? null);
    if ('refused' in begun) return begun;
    const places = ACTIVE.map(() => '?').join(', ');
    const { active } = this.#sql
      .exec<{ active: number }>(`SELECT count(*) AS active FROM sessions WHERE status IN (${places})`, ...ACTIVE)
      .one();
    const limit = this.#settings.MAX_SESSIONS_PER_USER;
    if (active >= limit) {
      const detail = `You have ${active} sessions waiting or running, and ${limit} are allowed (MAX_SESSIONS_PER_USER). Stop or delete one.`;
      return { refused: 'session_limit_reached', detail };
    }
    this.#sql.exec("INSERT INTO sessions (id, status, changes) VALUES (?, 'queued', 0)", session_id);
    this.#sql.exec('INSERT INTO begun (id, json) VALUES (?, ?)', session_id, JSON.stringify(begun satisfies Begun));
    this.#storage.begun(session_id, begun.beginning);
    if (key !== undefined) {
      this.#sql.exec('INSERT INTO session_keys (key, id, body) VALUES (?, ?, ?)', key, session_id, body);
    }
    return session_id;
  }
}
