import type { WaitingInteraction } from '../../../protocol/api/session/interaction.ts';
import { jsonText, withMembers, type JsonText } from '../../../protocol/json-text.ts';
import type { StoredSummary } from '../../rpc/session/views.ts';
import type { ListedInteraction } from '../../shared/interactions/listed-interaction.ts';
import { feedMessage, type FeedMessage } from './message.ts';

interface Row extends Record<string, SqlStorageValue> {
  readonly version: number;
  readonly is: 'session' | 'waits' | 'gone';
  readonly session_id: string;
  readonly interaction_id: string | null;
  readonly json: string | null;
  readonly summary: string | null;
}

/**
 * What has changed after a version, from the tables: each session and each interaction with its newest state, in the order of their
 * last changes. So the feed needs no log of its own, and whoever was away for long is not told each step.
 */
export function readFeed(sql: SqlStorage, after: number, mostCharacters: number): FeedMessage[] {
  const rows = sql.exec<Row>(
    `SELECT version, 'session' AS "is", id AS session_id, NULL AS interaction_id, NULL AS json, summary
        FROM sessions WHERE version > ?1 AND summary IS NOT NULL
      UNION ALL SELECT w.version, 'waits', w.session_id, w.id, w.json, s.summary
        FROM waiting w JOIN sessions s ON s.id = w.session_id WHERE w.version > ?1 AND s.summary IS NOT NULL
      UNION ALL SELECT version, 'gone', session_id, interaction_id, NULL, NULL FROM gone WHERE version > ?1
      ORDER BY version`,
    after,
  );
  const messages: FeedMessage[] = [];
  let length = 0;
  for (const row of rows) {
    const message = messageOf(row);
    messages.push(message);
    length += message.json.length;
    if (length >= mostCharacters) break;
  }
  return messages;
}

function messageOf({ version, is, session_id, interaction_id, json, summary }: Row): FeedMessage {
  if (is === 'gone')
    return interaction_id === null
      ? feedMessage(version, 'session.removed', jsonText({ session_id }))
      : feedMessage(version, 'interaction.closed', jsonText({ session_id, interaction_id }));
  const listed = (summary ?? '') as JsonText<StoredSummary>;
  if (is === 'session') return feedMessage(version, 'session.changed', listed);
  return feedMessage(version, 'interaction.opened', waitingText((json ?? '') as JsonText<ListedInteraction>, listed));
}

/** What waits, with what the list shows of its session now. */
export function waitingText(
  interaction: JsonText<ListedInteraction>,
  summary: JsonText<StoredSummary>,
): JsonText<WaitingInteraction> {
  const { title, status, parent_session_id } = JSON.parse(summary) as StoredSummary;
  return withMembers(interaction, { session: jsonText({ title, status, parent_session_id }) });
}
