import type { APIInteractionResponse } from 'discord-api-types/v10';
import { sessionChoices } from './core/choices.ts';
import { autocompleteChoices } from './core/wire/responses.ts';
import { directoryStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { inTime } from './in-time.ts';
import type { DeskTable } from './tables/desk-table.ts';

/** Discord waits 3 seconds. If the list takes longer than this, nothing is offered. Milliseconds. */
const PATIENCE_MS = 2000;

/** The owner's sessions that fit what is typed. */
export async function completeSession(
  env: EdgeEnv,
  table: DeskTable,
  owner: string,
  typed: string,
): Promise<APIInteractionResponse> {
  const listed = directoryStub(env, owner)
    .list({ status: undefined, limit: 100, offset: 0, cursor: undefined, within: null })
    .catch((error: unknown) => {
      console.error(`discord: sessions could not be listed: ${String(error)}`);
      return 'late' as const;
    });
  const page = await inTime(listed, PATIENCE_MS);
  if (page === 'late') return autocompleteChoices([]);
  const sessions = page.data.map(({ session_id, status, title }) => ({
    session_id,
    status,
    title: title ?? table.thread(session_id)?.name ?? session_id,
  }));
  return autocompleteChoices(sessionChoices(sessions, typed));
}
