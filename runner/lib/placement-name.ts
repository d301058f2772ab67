import type { PlacementKey } from '../../protocol/link/runner-control.ts';

/** The name of one launch of one session, as a key of maps. */
export function placementName(key: PlacementKey): string {
  return `${key.session_id}/${key.epoch}`;
}
