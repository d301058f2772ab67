import { childToolCall } from '../../../../protocol/link/child-tools.ts';
import * as z from 'zod';
import { shareArtifactInput } from '../../../../protocol/api/artifact.ts';

const agentCall = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('share_artifact'), input: shareArtifactInput }),
  ...childToolCall.options,
]);
/** A tool call that the session cannot answer alone. */
export type AgentCall = z.infer<typeof agentCall>;

export interface AgentCallRow {
  readonly call_id: string;
  readonly call: AgentCall;
  /**
   * The id of what the call creates, if it creates something. With it, a call that is processed again creates nothing
   * twice.
   */
  readonly made: string;
  /** When it has to be answered at the latest, epoch milliseconds; null: there is no limit. */
  readonly deadline: number | null;
  /** The child whose next update the call waits for; null: the call is due. */
  readonly waits_for: string | null;
}

interface Row extends Record<string, SqlStorageValue> {
  call_id: string;
  call: string;
  made: string;
  deadline: number | null;
  waits_for: string | null;
}

/** The agent's tool calls that are not answered yet. Writes belong in the caller's transaction. */
export class AgentCallTable {
  readonly #sql: SqlStorage;
  /**
   * Every change of a session reads this table, and most add no call. So an empty table is not queried again until one
   * is added.
   */
  #isKnownEmpty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
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

  /** The calls that are due: those that wait for no child, and those whose deadline has passed. */
  due(now: number): AgentCallRow[] {
    if (this.#isEmpty()) return [];
    return this.#rows('SELECT * FROM agent_calls WHERE waits_for IS NULL OR deadline <= ? ORDER BY made', now);
  }

  /** The earliest deadline, epoch milliseconds; null: no call has one. */
  nextDeadline(): number | null {
    if (this.#isEmpty()) return null;
    return this.#sql.exec<{ at: number | null }>('SELECT min(deadline) AS at FROM agent_calls').one().at;
  }

  /** The call waits for this child's next update. */
  waitFor(callId: string, childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = ? WHERE call_id = ?', childId, callId);
  }

  /** An update of this child came: the calls that wait for it are due. */
  wake(childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = NULL WHERE waits_for = ?', childId);
  }

  /** The children for whose results calls wait. */
  awaited(): string[] {
    if (this.#isEmpty()) return [];
    const calls = this.#rows('SELECT * FROM agent_calls WHERE call_id <> ? ORDER BY made', '');
    return calls.flatMap(({ call }) =>
      call.tool === 'get_child_result' ? [call.input.child_session_id.toLowerCase()] : [],
    );
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
