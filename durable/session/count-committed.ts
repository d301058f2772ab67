import { count, observe } from '../rpc/telemetry/counts.ts';
import type { EndedTurnRow } from './store/messages/turn-table.ts';
import type { Transaction } from './store/changes/transaction.ts';

/** Counts what a transaction has stored, for `GET /metrics`. @returns whether there was anything */
export function countCommitted(tx: Transaction, before: number): boolean {
  const events = tx.seq - before;
  if (events > 0) {
    count('cc_docker_events_stored_total', {}, events);
    count('cc_docker_event_stored_bytes_total', {}, tx.storedBytes);
  }
  for (const turn of tx.turns) countTurn(turn);
  return events > 0 || tx.turns.length > 0;
}

function countTurn({ origin, status: outcome, started, finished, result }: EndedTurnRow): void {
  count('cc_docker_turns_total', { origin, outcome });
  observe('cc_docker_turn_duration_seconds', { outcome }, Math.max(0, finished - started) / 1000);
  if (result === null) return;
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = result.usage;
  const kinds = {
    input: input_tokens,
    output: output_tokens,
    cache_read: cache_read_input_tokens,
    cache_creation: cache_creation_input_tokens,
  };
  for (const [kind, tokens] of Object.entries(kinds)) if (tokens > 0) count('cc_docker_tokens_total', { kind }, tokens);
  // A container says what a turn has cost, and may say anything: a counter never goes down.
  if (result.total_cost_usd > 0) count('cc_docker_cost_usd_total', {}, result.total_cost_usd);
}
