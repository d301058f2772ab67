import { spanIdOf, traceparentOf } from '../../../../protocol/trace/context.ts';
import { messageOfRunningTurn } from '../../core/turns/background.ts';
import type { SessionState } from '../../core/state.ts';
import type { MessageTable } from './message-table.ts';
import type { TraceTable } from './trace-table.ts';

interface Tables {
  readonly messages: Pick<MessageTable, 'uuidOf'>;
  readonly traces: TraceTable | null;
}

/** The place in its trace of the turn that a message begins, as a `traceparent`; undefined: it is not recorded. */
export function traceOfMessage({ messages, traces }: Tables, message_id: string): string | undefined {
  const trace = traces?.of(message_id);
  return trace ? traceparentOf({ ...trace, span_id: spanIdOf(messages.uuidOf(message_id)), sampled: true }) : undefined;
}

/** The same of the turn that runs, for what the agent causes in it: a child, a wake-up. */
export function traceOfRunningTurn(tables: Tables, state: SessionState): string | undefined {
  const message_id = messageOfRunningTurn(state);
  const trace = message_id === null ? null : tables.traces?.of(message_id);
  if (message_id === null || !trace) return undefined;
  const turn_id = state.agent_turn?.turn_id ?? tables.messages.uuidOf(message_id);
  return traceparentOf({ ...trace, span_id: spanIdOf(turn_id), sampled: true });
}
