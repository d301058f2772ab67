import type { WaitingInteraction } from '../../protocol/api/session/interaction.ts';
import { arrayText, jsonText, type JsonText } from '../../protocol/json-text.ts';
import { BATCH_BYTES } from '../../protocol/settings/limits.ts';
import type { InboxPage, InboxQuery } from '../rpc/directory/lists.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { StoredSummary, VersionedInbox } from '../rpc/session/views.ts';
import { waitingText } from './feed/feed-log.ts';
import type { OwnerFeed } from './feed/feed.ts';
import { WaitingTable, type WaitingPlace } from './feed/waiting-table.ts';

/** Sessions that are asked at once. */
const ASKED_AT_ONCE = 32;

/** What waits for people in all sessions of an owner, as the sessions have reported it. */
export class Inbox {
  readonly #sql: SqlStorage;
  readonly #env: EdgeEnv;
  readonly #waiting: WaitingTable;
  readonly #feed: OwnerFeed;

  constructor(sql: SqlStorage, env: EdgeEnv, feed: OwnerFeed) {
    this.#sql = sql;
    this.#env = env;
    this.#waiting = new WaitingTable(sql);
    this.#feed = feed;
    // Sessions that people were asked in. `changes`: of the newest report; -1: it was stored by a version that had no inbox.
    sql.exec(
      'CREATE TABLE IF NOT EXISTS inbox_sessions (session_id TEXT PRIMARY KEY, changes INTEGER NOT NULL) WITHOUT ROWID',
    );
  }

  /** Takes what waits in a session now, unless a newer report has come. */
  report(sessionId: string, { changes, open }: VersionedInbox, summary: JsonText<StoredSummary> | null): void {
    const known = this.#sql.exec<{ changes: number }>(
      'SELECT changes FROM inbox_sessions WHERE session_id = ?',
      sessionId,
    );
    if (summary === null || changes <= ([...known][0]?.changes ?? -1)) return;
    const before = this.#waiting.ofSession(sessionId);
    for (const interaction of open) {
      const text = jsonText(interaction);
      const isNews = before.get(interaction.interaction_id) !== text;
      before.delete(interaction.interaction_id);
      if (!isNews) continue;
      this.#waiting.set(interaction, this.#feed.opened(waitingText(text, summary)));
    }
    for (const id of before.keys()) {
      this.#waiting.remove(sessionId, id);
      this.#feed.closed(sessionId, id);
    }
    const insert = 'INSERT OR REPLACE INTO inbox_sessions (session_id, changes) VALUES (?, ?)';
    this.#sql.exec(insert, sessionId, changes);
  }

  /** A page, the oldest first. */
  page({ kind, session_id, cursor, limit }: InboxQuery): InboxPage {
    const texts: JsonText<WaitingInteraction>[] = [];
    let length = 0;
    let last: WaitingPlace | null = null;
    for (const row of this.#waiting.after(cursor === undefined ? null : placeOf(cursor), { kind, session_id })) {
      if (texts.length >= limit || length >= BATCH_BYTES)
        return { data: arrayText(texts), next_cursor: cursorOf(last) };
      const text = waitingText(row.json, row.summary);
      texts.push(text);
      length += text.length;
      last = row;
    }
    return { data: arrayText(texts), next_cursor: null };
  }

  removeSession(sessionId: string): void {
    this.#waiting.removeSession(sessionId);
    this.#sql.exec('DELETE FROM inbox_sessions WHERE session_id = ?', sessionId);
  }

  /**
   * Asks the sessions of which nothing is known: those in which something waited when this version was installed.
   *
   * @param summaryOf what the list shows of a session; null: it is removed
   */
  async learn(summaryOf: (id: string) => JsonText<StoredSummary> | null): Promise<void> {
    for (let ids = this.#unknown(); ids.length > 0; ids = this.#unknown()) {
      const inboxes = await Promise.all(ids.map((id) => sessionStub(this.#env, id).inbox()));
      inboxes.forEach((inbox, index) => {
        const id = ids[index] ?? '';
        const summary = summaryOf(id);
        // A session that is gone has nothing that waits.
        if (inbox === null || summary === null) this.removeSession(id);
        else this.report(id, inbox, summary);
      });
    }
  }

  #unknown(): string[] {
    const rows = this.#sql.exec<{ session_id: string }>(
      'SELECT session_id FROM inbox_sessions WHERE changes < 0 LIMIT ?',
      ASKED_AT_ONCE,
    );
    return [...rows].map(({ session_id }) => session_id);
  }
}

const cursorOf = (place: WaitingPlace | null): string | null =>
  place === null ? null : `${place.opened}.${place.session_id}.${place.id}`;

function placeOf(cursor: string): WaitingPlace {
  const [opened = '', session_id = '', id = ''] = cursor.split('.');
  return { opened: Number(opened), session_id, id };
}
