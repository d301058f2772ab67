import type { DeliveryState, DeliveryView } from '../../../../protocol/api/webhook.ts';
import { devicesId, ownersName } from './receivers.ts';

/** A delivery as `SELECT_VIEW` reads it. Times are epoch milliseconds. */
export interface ViewRow extends Record<string, SqlStorageValue> {
  n: number;
  id: string;
  receiver: string;
  type: string;
  state: DeliveryState;
  attempts: number;
  next_at: number;
  last_status: number | null;
  tried: number | null;
  created: number;
  detail: string | null;
  changes: number;
}

/** Reads `ViewRow`s; what comes behind it chooses them, by `d` (deliveries) and `w` (notices). */
export const SELECT_VIEW = `SELECT d.n, d.id, d.receiver, w.type, d.state, d.attempts, d.next_at, d.last_status, d.tried, d.created,
  d.detail, d.changes FROM webhook_deliveries d JOIN webhook_notices w ON w.n = d.notice`;

const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());

/** A delivery for people. */
export function viewOf(row: ViewRow): Omit<DeliveryView, 'session_id'> {
  const { id, receiver, type, state, attempts, next_at, last_status, tried, created, detail } = row;
  return {
    delivery_id: id,
    webhook: ownersName(receiver),
    push: devicesId(receiver),
    event: type,
    state,
    attempts,
    last_status,
    last_attempt_at: iso(tried),
    next_attempt_at: state === 'waiting' ? iso(next_at) : null,
    created_at: new Date(created).toISOString(),
    detail,
  };
}
