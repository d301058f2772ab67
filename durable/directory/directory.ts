import { DurableObject } from 'cloudflare:workers';
import { edgeSettings, type EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { SessionTree } from '../../protocol/api/child.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { CreateSessionRequest } from '../../protocol/api/session.ts';
import type { SnapshotView, StorageView, WorkspaceView } from '../../protocol/api/workspace.ts';
import type { ChildCreation, Creation, Spawned } from '../rpc/creation.ts';
import type {
  ArtifactInput,
  CreateInput,
  DirectoryRpc,
  LeaseAnswer,
  LeaseInput,
  ListInput,
  ListPage,
  SnapshotInput,
  SpawnInput,
  SpendingReport,
  VersionedVerdict,
} from '../rpc/directory-rpc.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { StoredSessionView, StoredSummary, VersionedSummary } from '../rpc/views.ts';
import { migrate, stampVersion } from '../shared/schema.ts';
import { ACTIVE_STATUSES } from '../shared/session-status.ts';
import type { Beginning, Head } from '../shared/trees.ts';
import { DIRECTORY_SCHEMA } from './migrations.ts';
import { OwnerStorage } from './storage.ts';
import { OwnerTree } from './tree.ts';

/** Until sessions that could not be told something are told it again, milliseconds. */
const PUSH_AGAIN_MS = 1000;

/** As a session is begun; stored, for its `Session` may have to be told again. */
interface Begun {
  readonly request: CreateSessionRequest;
  readonly beginning: Beginning;
  readonly creation: Creation;
}

/**
 * One owner's sessions, and what they keep in the storage: which there are, and how many may be. What sessions do is known to each
 * `Session` itself.
 */
export class Directory extends DurableObject<EdgeEnv> implements DirectoryRpc {
  readonly #settings: EdgeSettings;
  readonly #sql: SqlStorage;
  readonly #storage: OwnerStorage;
  readonly #tree: OwnerTree;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    this.#sql = ctx.storage.sql;
    const isNew = migrate(ctx.storage, DIRECTORY_SCHEMA) === 'none';
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS sessions (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, changes INTEGER NOT NULL, summary TEXT) WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS session_keys (
      key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`);
    this.#sql.exec('CREATE TABLE IF NOT EXISTS begun (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
    this.#storage = new OwnerStorage(this.#sql, this.#settings, env, ctx.id.toString());
    this.#tree = new OwnerTree(this.#sql, this.#settings, env);
    if (isNew) stampVersion(this.#sql, DIRECTORY_SCHEMA);
  }

  /** Reserves a place among the owner's sessions and begins one. The same key with the same body is the same session. */
  async create(input: CreateInput): Promise<StoredSessionView | Refusal> {
    const reserved = this.#reserve({
      ...input,
      child: null,
      asked: input.fork?.asked ?? JSON.stringify(input.request),
    });
    return typeof reserved === 'string' ? this.#begin(reserved, input.owner) : reserved;
  }

  /** The fork that this key has made of what was asked in these words; null: none yet. */
  async forked(key: string, asked: string, owner: string): Promise<StoredSessionView | Refusal | null> {
    const made = this.#made(key, asked);
    return typeof made === 'string' ? this.#begin(made, owner) : made;
  }

  /** As `create`, for a session's child: its place in the tree is reserved as well. */
  async spawn(input: SpawnInput): Promise<Spawned | Refusal> {
    const reserved = this.#reserve(input);
    return typeof reserved === 'string' ? this.#spawned(reserved, input.owner) : reserved;
  }

  /** The child that this key has made of what was asked in these words; null: none yet. */
  async spawnedBefore(key: string, asked: string, owner: string): Promise<Spawned | Refusal | null> {
    const made = this.#made(key, asked);
    return typeof made === 'string' ? this.#spawned(made, owner) : made;
  }

  /** Whether a session may have one more child; null: it may. */
  spawnRefusal(parentId: string): Refusal | null {
    if (this.#isThere(parentId)) return this.#tree.refusal(parentId);
    return { refused: 'session_not_found', detail: 'The session that was to have a child is deleted.' };
  }

  /** What a session has spent and is about; the answer says whether it may. */
  reportSpending(report: SpendingReport): VersionedVerdict | null {
    if (!this.#isThere(report.session_id)) return null;
    const answer = this.#tree.report(report);
    this.#push();
    return answer;
  }

  /** What a session and all below it may cost from now on, USD; null: no limit of its own. */
  setBudget(sessionId: string, budget: number | null): void {
    // Deleted meanwhile: a row that it was given now, nobody would remove.
    if (!this.#isThere(sessionId)) return;
    this.#tree.setBudget(sessionId, budget);
    this.#push();
  }

  /** Those below a session, the deepest first; `closing`: it and they have no more children from now on. */
  descendants(sessionId: string, closing: boolean): string[] {
    return this.#tree.below(sessionId, closing);
  }

  async tree(sessionId: string): Promise<SessionTree> {
    const summaries = await this.summaries([sessionId, ...this.#tree.below(sessionId, false)]);
    return this.#tree.view(sessionId, new Map(summaries.map((summary) => [summary.session_id, summary])));
  }

  /** Those of these sessions that there are, the oldest first. */
  async summaries(ids: readonly string[]): Promise<StoredSummary[]> {
    await this.#refresh(new Set(ids));
    return ids.toSorted().flatMap((id) => {
      const rows = this.#sql.exec<{ summary: string | null }>('SELECT summary FROM sessions WHERE id = ?', id);
      return [...rows].flatMap(({ summary }) => (summary === null ? [] : [JSON.parse(summary) as StoredSummary]));
    });
  }

  override async alarm(): Promise<void> {
    await this.#pushNow();
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
    this.#tree.spent(summary.session_id, summary.total_cost_usd);
  }

  /** The session is deleted, and what it stored goes, unless somebody else needs it. */
  async remove(sessionId: string): Promise<void> {
    this.#sql.exec('DELETE FROM sessions WHERE id = ?', sessionId);
    this.#sql.exec('DELETE FROM session_keys WHERE id = ?', sessionId);
    this.#sql.exec('DELETE FROM begun WHERE id = ?', sessionId);
    this.#tree.remove(sessionId);
    this.#push();
    await this.#storage.forget(sessionId);
  }

  leaseWorkspace(input: LeaseInput): LeaseAnswer {
    // The session was deleted meanwhile: nobody would release the workspace.
    if (!this.#isThere(input.session_id)) return { leased: false, detail: 'The session was deleted.' };
    return this.#storage.lease(input, Date.now());
  }

  releaseWorkspace(input: LeaseInput, head: Head | null): void {
    this.#storage.release(input, head, Date.now());
  }

  workspaceHead(workspaceId: string): Head | null {
    return this.#storage.head(workspaceId);
  }

  /** A session's snapshot has been stored. */
  async recordSnapshot(input: SnapshotInput): Promise<void> {
    // One that has been deleted since needs nothing; a sweep finds the snapshot.
    if (this.#isThere(input.view.session_id)) await this.#storage.record(input, Date.now());
  }

  /** A session's artifact has been stored. False: the session is gone, and needs it no more. */
  recordArtifact(input: ArtifactInput): boolean {
    if (!this.#isThere(input.session_id)) return false;
    this.#storage.recordArtifact(input);
    return true;
  }

  async forgetArtifact(sessionId: string, artifactId: string): Promise<void> {
    await this.#storage.forgetArtifact(sessionId, artifactId);
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
    const { request, beginning, creation } = JSON.parse(json) as Begun;
    const session = sessionStub(this.env, id);
    const created = await session.create({ session_id: id, owner, request, beginning, creation });
    this.update(created.listed);
    return created.view;
  }

  #active(): Iterable<{ id: string }> {
    const statuses = ACTIVE_STATUSES.map(() => '?').join(', ');
    return this.#sql.exec<{ id: string }>(`SELECT id FROM sessions WHERE status IN (${statuses})`, ...ACTIVE_STATUSES);
  }

  /** Asks those of these sessions that are at work how they are now: turns come and go, and the list is told of them a little later. */
  async #refresh(ids: ReadonlySet<string>): Promise<void> {
    const asked = [...this.#active()].filter(({ id }) => ids.has(id));
    const told = await Promise.all(asked.map(({ id }) => sessionStub(this.env, id).listed()));
    for (const summary of told) if (summary !== null) this.update(summary);
  }

  async #spawned(id: string, owner: string): Promise<Spawned> {
    const view = await this.#begin(id, owner);
    const { json } = this.#sql.exec<{ json: string }>('SELECT json FROM begun WHERE id = ?', id).one();
    const { creation } = JSON.parse(json) as Begun;
    if (creation.spawn === null) throw new Error('a key of a spawned session names one that was not spawned');
    return { view, child: creation.spawn };
  }

  /** Tells sessions what concerns them now; those that cannot be told are told again. */
  #push(): void {
    if (!this.#tree.isPushDue) return;
    // Together with what is to be told, so that it is told though this should be cut off.
    this.ctx.waitUntil(this.#pushAgain());
    this.ctx.waitUntil(this.#pushNow());
  }

  async #pushNow(): Promise<void> {
    if (!(await this.#tree.push())) await this.#pushAgain();
  }

  #pushAgain(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + PUSH_AGAIN_MS);
  }

  /** The session that this key has made of this body; null: none yet. */
  #made(key: string, body: string): string | Refusal | null {
    const rows = this.#sql.exec<{ id: string; body: string }>('SELECT id, body FROM session_keys WHERE key = ?', key);
    const seen = [...rows][0];
    if (seen === undefined || seen.body === body) return seen?.id ?? null;
    const detail = 'It came with another body before. Send a new key for a new session.';
    return { refused: 'idempotency_key_reused', detail };
  }

  #reserve({
    session_id,
    request,
    idempotency_key: key,
    fork,
    child: spawn,
    asked,
  }: CreateInput & { readonly child: ChildCreation | null; readonly asked: string }): string | Refusal {
    const made = key === undefined ? null : this.#made(key, asked);
    if (made !== null) return made;
    // The caller's call was cut off, and it asks again.
    if (this.#isThere(session_id)) return session_id;
    const full = spawn === null ? null : this.spawnRefusal(spawn.parent);
    if (full !== null) return full;
    const begun = this.#storage.begin(session_id, request, fork ?? null);
    if ('refused' in begun) return begun;
    const active = [...this.#active()].length;
    const limit = this.#settings.MAX_SESSIONS_PER_USER;
    if (active >= limit) {
      const detail = `You have ${active} sessions waiting or running, and ${limit} are allowed (MAX_SESSIONS_PER_USER). Stop or delete one.`;
      return { refused: 'session_limit_reached', detail };
    }
    this.#sql.exec("INSERT INTO sessions (id, status, changes) VALUES (?, 'queued', 0)", session_id);
    const permit = this.#tree.add(session_id, spawn?.parent ?? null, request.config.budget_usd);
    const stored: Begun = { ...begun, creation: { permit, spawn } };
    this.#sql.exec('INSERT INTO begun (id, json) VALUES (?, ?)', session_id, JSON.stringify(stored));
    this.#storage.begun(session_id, begun.beginning);
    if (key !== undefined) {
      this.#sql.exec('INSERT INTO session_keys (key, id, body) VALUES (?, ?, ?)', key, session_id, asked);
    }
    return session_id;
  }
}
