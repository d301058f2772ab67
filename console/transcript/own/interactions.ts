import type { OwnEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import type { InteractionItem } from '../item.ts';
import { appendUnknown } from './unknown.ts';

/** What waits for a person: it stands where it was asked. */
export function takeInteraction(draft: Draft, event: OwnEvent): void {
  const { seq, time } = event;
  switch (event.type) {
    case 'interaction.opened': {
      const { interaction_id: id, subject, priority, deadline } = event.data;
      const key = draft.interactions.get(id);
      const opened = { subject, priority, deadline, state: 'open' } as const;
      if (key === undefined) append(draft, id, { seq, time, ...opened });
      // It came again, with more of what is asked.
      else draft.change(key, 'interaction', (interaction) => ({ ...interaction, ...opened }));
      return;
    }
    case 'interaction.reminded': {
      const { interaction_id: id, deadline } = event.data;
      draft.change(draft.interactions.get(id), 'interaction', (interaction) => ({ ...interaction, deadline }));
      return;
    }
    case 'interaction.closed': {
      const { interaction_id: id, state, resolved_by: resolvedBy, resolution } = event.data;
      const closed = { state, resolvedBy, resolution };
      const key = draft.interactions.get(id);
      if (key === undefined) append(draft, id, { seq, time, ...closed });
      else draft.change(key, 'interaction', (interaction) => ({ ...interaction, ...closed }));
      return;
    }
    default:
      appendUnknown(draft, event);
  }
}

function append(
  draft: Draft,
  interactionId: string,
  known: Partial<InteractionItem> & { readonly seq: number; readonly time: string },
): void {
  const key = `e${known.seq}`;
  draft.interactions.set(interactionId, key);
  const unknown = { subject: null, priority: 'normal', deadline: null, resolvedBy: null, resolution: null } as const;
  draft.append({ kind: 'interaction', state: 'open', ...unknown, ...known, key, interactionId });
}
