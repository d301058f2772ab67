import { childToolCall } from '../../../../protocol/link/child-tools.ts';
import * as z from 'zod';
import { shareArtifactInput } from '../../../../protocol/api/artifact.ts';

const agentCall = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('share_artifact'), input: shareArtifactInput }),
  ...childToolCall.options,
]);
/** A tool's call that takes more than this session to answer. */
export type AgentCall = z.infer<typeof agentCall>;

export interface AgentCallRow {
  readonly call_id: string;
  readonly call: AgentCall;
  /** The id of what the call makes, if it makes something: a call that is taken up again makes it no second time. */
  readonly made: string;
  /** When it has to be answered, epoch milliseconds; null: once it can be. */
  readonly deadline: number | null;
  /** It waits for this child's news; null: it is to be looked at. */
  readonly waits_for: string | null;
}

interface Row extends Record<string, SqlStorageValue> {
  call_id: string;
  call: string;
  made: string;
  deadline: number | null;
  waits_for: string | null;
}

/** Calls of the agent's tools that are not answered yet. Changes belong inside the caller's transaction. */
export class AgentCallTable {
  readonly #sql: SqlStorage;
  /** Looked at with each change of a session, most of which call nothing: so a table that was empty is not asked again. */
  #isKnownEmpty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS agent_calls (
      call_id TEXT PRIMARY KEY, call TEXT NOT NULL, made TEXT NOT NULL, deadline INTEGER, waits_for TEXT) WITHOUT ROWID`);
  }

  add({ call_id, call, made, deadline }: Omit<AgentCallRow, 'waits_for'>): void {
    this.#isKnownEmpty = false;
    this.#sql.exec(
      'INSERT INTO agent_calls (call_id, call, made, deadline) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      call_id,
      JSON.stringify(call),
      made,
      deadline,
    );
  }

  get(callId: string): AgentCallRow | null {
    return this.#rows('SELECT * FROM agent_calls WHERE call_id = ?', callId)[0] ?? null;
  }

  /** Those to be looked at: new ones, and those whose wait is over. */
  due(now: number): AgentCallRow[] {
    if (this.#isEmpty()) return [];
    return this.#rows('SELECT * FROM agent_calls WHERE waits_for IS NULL OR deadline <= ? ORDER BY made', now);
  }

  /** When the next wait is over, epoch milliseconds; null: none is under way. */
  nextDeadline(): number | null {
    if (this.#isEmpty()) return null;
    return this.#sql.exec<{ at: number | null }>('SELECT min(deadline) AS at FROM agent_calls').one().at;
  }

  waitFor(callId: string, childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = ? WHERE call_id = ?', childId, callId);
  }

  /** A child has told something: what waits for it is looked at. */
  wake(childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = NULL WHERE waits_for = ?', childId);
  }

  remove(callId: string): void {
    this.#sql.exec('DELETE FROM agent_calls WHERE call_id = ?', callId);
  }

  clear(): void {
    this.#sql.exec('DELETE FROM agent_calls');
  }

  #isEmpty(): boolean {
    this.#isKnownEmpty ||= this.#sql.exec('SELECT 1 FROM agent_calls LIMIT 1').toArray().length === 0;
    return this.#isKnownEmpty;
  }

  #rows(query: string, value: SqlStorageValue): AgentCallRow[] {
    return [...this.#sql.exec<Row>(query, value)].map(({ call, ...row }) => ({
      ...row,
      call: agentCall.parse(JSON.parse(call)),
    }));
  }
}
