import { DurableObject } from 'cloudflare:workers';
import { edgeSettings, type EdgeSettings } from '../protocol/edge-settings.ts';
import type { Refusal } from '../protocol/problem.ts';
import type { CreateSessionRequest, SessionStatus } from '../protocol/session.ts';
import { ACTIVE } from './core/session-state.ts';
import type { EdgeEnv } from './edge-env.ts';
import type { StoredSessionView, VersionedSummary } from './session-views.ts';

type StoredSummary = VersionedSummary['summary'];

export interface CreateInput {
  readonly session_id: string;
  readonly owner: string;
  readonly request: CreateSessionRequest;
  readonly idempotency_key: string | undefined;
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

/** One owner's sessions: which there are, and how many may be. What they do is known to each `Session` itself. */
export class Directory extends DurableObject<EdgeEnv> {
  readonly #settings: EdgeSettings;
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS sessions (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, changes INTEGER NOT NULL, summary TEXT) WITHOUT ROWID`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS session_keys (
      key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`);
  }

  /** Reserves a place among the owner's sessions and begins one. The same key with the same body is the same session. */
  async create(input: CreateInput): Promise<StoredSessionView | Refusal> {
    const { owner, request } = input;
    const reserved = this.#reserve(input);
    if (typeof reserved !== 'string') return reserved;
    const session = this.env.SESSION.get(this.env.SESSION.idFromName(reserved));
    const created = await session.create(reserved, owner, request);
    this.update(created.listed);
    return created.view;
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

  remove(sessionId: string): void {
    this.#sql.exec('DELETE FROM sessions WHERE id = ?', sessionId);
    this.#sql.exec('DELETE FROM session_keys WHERE id = ?', sessionId);
  }

  #reserve({ session_id, request, idempotency_key: key }: CreateInput): string | Refusal {
    const body = JSON.stringify(request);
    if (key !== undefined) {
      const rows = this.#sql.exec<{ id: string; body: string }>('SELECT id, body FROM session_keys WHERE key = ?', key);
      const seen = [...rows][0];
      if (seen !== undefined && seen.body === body) return seen.id;
      if (seen !== undefined) {
        const detail = 'It came with another body before. Send a new key for a new session.';
        return { refused: 'idempotency_key_reused', detail };
      }
    }
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
    if (key !== undefined) {
      this.#sql.exec('INSERT INTO session_keys (key, id, body) VALUES (?, ?, ?)', key, session_id, body);
    }
    return session_id;
  }
}
