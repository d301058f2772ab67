import type { PlacementKey } from '../../protocol/link/runner-control.ts';

/** One launch of one session, as a key of maps. */
export function keyName(key: PlacementKey): string {
  return `${key.session_id}/${key.epoch}`;
}
