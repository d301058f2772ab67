import type { OwnEvent } from '../../../client/main.ts';
import { endTurn } from '../claude/result.ts';
import type { Draft } from '../draft.ts';
import { appendUnknown } from './unknown.ts';

/** Turns that the agent begins itself. */
export function takeTurn(draft: Draft, event: OwnEvent): void {
  const { seq, time } = event;
  if (event.type === 'turn.started') {
    const { turn_id: turnId } = event.data;
    draft.open.add(turnId);
    draft.endedTurn = null;
    draft.append({ kind: 'begin', key: `e${seq}`, seq, time, turnId });
    return;
  }
  if (event.type !== 'turn.ended') {
    appendUnknown(draft, event);
    return;
  }
  const { turn_id: id, status, error } = event.data;
  draft.open.delete(id);
  if (draft.endedTurn === null) endTurn(draft, { key: `e${seq}`, seq, time, status, figures: null });
  draft.change(draft.endedTurn, 'turn', (turn) => ({
    ...turn,
    status,
    error: error?.detail ?? null,
    ids: [...turn.ids, id],
  }));
}
