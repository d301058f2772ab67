import type { ChildOutcome } from '../../../rpc/session/views.ts';
import { childToolCall } from '../../../../protocol/link/child-tools.ts';
import * as z from 'zod';
import { shareArtifactInput } from '../../../../protocol/api/files/artifact.ts';
import { sharePortInput } from '../../../../protocol/api/session/port.ts';

const agentCall = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('share_artifact'), input: shareArtifactInput }),
  z.object({ tool: z.literal('share_port'), input: sharePortInput }),
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
  /** How Claude Code names the call in its lines; null: it did not say. */
  readonly tool_use_id: string | null;
  /** What the container was sent as the answer. Kept until the agent has read it; null: it has no answer yet. */
  readonly answered: ChildOutcome | null;
  /** The container that made the call has ended: the answer becomes a message. */
  readonly over: boolean;
}

interface Row extends Record<string, SqlStorageValue> {
  call_id: string;
  call: string;
  made: string;
  deadline: number | null;
  waits_for: string | null;
  tool_use_id: string | null;
  answered: string | null;
  over: number;
}

const RESULT_CALL = `json_extract(call, '$.tool') = 'get_child_result'`;

/** The agent's tool calls that are not answered yet, and those for a child's result whose answer it may not have read. Writes belong in the caller's transaction. */
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
      call_id TEXT PRIMARY KEY, call TEXT NOT NULL, made TEXT NOT NULL, deadline INTEGER, waits_for TEXT,
      tool_use_id TEXT, answered TEXT, over INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
  }

  add({ call_id, call, made, deadline, tool_use_id }: Omit<AgentCallRow, 'waits_for' | 'answered' | 'over'>): void {
    this.#isKnownEmpty = false;
    this.#sql.exec(
      `INSERT INTO agent_calls (call_id, call, made, deadline, tool_use_id) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING`,
      call_id,
      JSON.stringify(call),
      made,
      deadline,
      tool_use_id,
    );
  }

  get(callId: string): AgentCallRow | null {
    return this.#rows('SELECT * FROM agent_calls WHERE call_id = ?', callId)[0] ?? null;
  }

  /** The calls that are due: those that wait for no child, and those whose deadline has passed. */
  due(now: number): AgentCallRow[] {
    if (this.#isEmpty()) return [];
    return this.#rows(
      `SELECT * FROM agent_calls WHERE answered IS NULL AND (waits_for IS NULL OR deadline <= ?) ORDER BY made`,
      now,
    );
  }

  /** The earliest deadline, epoch milliseconds; null: no call has one. */
  nextDeadline(): number | null {
    if (this.#isEmpty()) return null;
    const query = 'SELECT min(deadline) AS at FROM agent_calls WHERE answered IS NULL';
    return this.#sql.exec<{ at: number | null }>(query).one().at;
  }

  /** The call waits for this child's next update. */
  waitFor(callId: string, childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = ? WHERE call_id = ?', childId, callId);
  }

  /** An update of this child came: the calls that wait for it are due. */
  wake(childId: string): void {
    this.#sql.exec('UPDATE agent_calls SET waits_for = NULL WHERE waits_for = ?', childId);
  }

  /** The container was sent this answer to a call. */
  answer(callId: string, outcome: ChildOutcome): void {
    this.#sql.exec('UPDATE agent_calls SET answered = ? WHERE call_id = ?', JSON.stringify(outcome), callId);
  }

  /** The agent has read the answers to the calls that Claude Code names so. */
  read(toolUseIds: readonly string[]): void {
    if (this.#isEmpty()) return;
    for (const id of toolUseIds) {
      this.#sql.exec('DELETE FROM agent_calls WHERE tool_use_id = ? AND answered IS NOT NULL AND over = 0', id);
    }
  }

  /** The agent has read all answers: `unnamed`, those to calls of which Claude Code's lines tell nothing else. */
  readAll(which: 'all' | 'unnamed'): void {
    if (this.#isEmpty()) return;
    const named = which === 'all' ? '' : 'AND tool_use_id IS NULL';
    this.#sql.exec(`DELETE FROM agent_calls WHERE answered IS NOT NULL AND over = 0 ${named}`);
  }

  /** Keeps only the calls for a child's result: nobody waits for the others. */
  keepResults(): void {
    if (this.#isEmpty()) return;
    this.#sql.exec(`DELETE FROM agent_calls WHERE NOT ${RESULT_CALL}`);
  }

  /** The container of these calls has ended. What they are answered from now on, the agent gets as a message. */
  containerEnded(): void {
    this.keepResults();
    if (this.#isEmpty()) return;
    // An answer that only said that the child goes on is none.
    this.#sql.exec(`UPDATE agent_calls SET over = 1, waits_for = NULL, deadline = NULL,
      answered = iif(json_extract(answered, '$.state') IN ('working', 'paused'), NULL, answered) WHERE over = 0`);
  }

  /** The calls of ended containers whose answer the agent has yet to get. */
  owed(): AgentCallRow[] {
    if (this.#isEmpty()) return [];
    return this.#rows(
      'SELECT * FROM agent_calls WHERE over = 1 AND answered IS NOT NULL AND call_id <> ? ORDER BY made',
      '',
    );
  }

  /** The agent asks for the same result again: calls of ended containers no longer wait for it. */
  supersede(input: Extract<AgentCall, { tool: 'get_child_result' }>['input']): void {
    if (this.#isEmpty()) return;
    this.#sql.exec(
      `DELETE FROM agent_calls WHERE over = 1 AND lower(json_extract(call, '$.input.child_session_id')) = ?
        AND lower(json_extract(call, '$.input.message_id')) IS ?`,
      input.child_session_id.toLowerCase(),
      input.message_id?.toLowerCase() ?? null,
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
    return [...this.#sql.exec<Row>(query, value)].map(({ call, answered, over, ...row }) => ({
      ...row,
      call: agentCall.parse(JSON.parse(call)),
      answered: answered === null ? null : (JSON.parse(answered) as ChildOutcome),
      over: over === 1,
    }));
  }
}
