import { isSampled, parseTraceparent, traceIdOf, traceparentOf } from '../../../../protocol/trace/context.ts';

/** Messages whose traces are remembered: more than can wait. */
const MOST = 2000;

/** The trace in which a message is worked on, and its span there that began it; null: the trace begins with the message. */
export interface MessageTrace {
  readonly trace_id: string;
  readonly parent_id: string | null;
}

/** In which traces messages are worked on, of those that are recorded. It is only there while a collector is set. */
export class TraceTable {
  readonly #sql: SqlStorage;
  readonly #ratio: number;

  /** @param ratio of the traces that begin here, so many are recorded */
  constructor(sql: SqlStorage, ratio: number) {
    this.#sql = sql;
    this.#ratio = ratio;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS message_traces (
      number INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, trace_id TEXT NOT NULL, parent_id TEXT)`);
  }

  /** @param traceparent of the call that the message came with; undefined: of none that is traced */
  add(messageId: string, traceparent: string | undefined): void {
    const caller = parseTraceparent(traceparent);
    const own = traceIdOf(messageId);
    if (!(caller?.sampled ?? isSampled(own, this.#ratio))) return;
    const { number } = this.#sql
      .exec<{ number: number }>(
        'INSERT OR REPLACE INTO message_traces (message_id, trace_id, parent_id) VALUES (?, ?, ?) RETURNING number',
        messageId,
        caller?.trace_id ?? own,
        caller?.span_id ?? null,
      )
      .one();
    this.#sql.exec('DELETE FROM message_traces WHERE number <= ?', number - MOST);
  }

  /** Remembers where in a trace something was begun that is no message yet: a session, a wake-up. Not, if that is not recorded. */
  addCause(id: string, traceparent: string | undefined): void {
    if (parseTraceparent(traceparent)?.sampled === true) this.add(id, traceparent);
  }

  /** The `traceparent` that was remembered of it; undefined: none was. */
  causeOf(id: string): string | undefined {
    const trace = this.of(id);
    if (trace === null || trace.parent_id === null) return undefined;
    return traceparentOf({ trace_id: trace.trace_id, span_id: trace.parent_id, sampled: true });
  }

  /** Null: it is not recorded. */
  of(messageId: string): MessageTrace | null {
    const rows = this.#sql.exec<{ trace_id: string; parent_id: string | null }>(
      'SELECT trace_id, parent_id FROM message_traces WHERE message_id = ?',
      messageId,
    );
    return rows.toArray()[0] ?? null;
  }
}
