import type { OwnEvent } from '../../../client/main.ts';
import { endTurn } from '../claude/result.ts';
import type { Draft } from '../draft.ts';
import type { PromptItem } from '../item.ts';
import { appendUnknown } from './unknown.ts';

/** What people say to the agent, and what becomes of it. */
export function takeMessage(draft: Draft, event: OwnEvent): void {
  const { seq, time } = event;
  switch (event.type) {
    case 'message.queued': {
      const { message_id: id, prompt } = event.data;
      draft.waiting.set(id, { ...promptOf(id, time), key: `q:${id}`, text: prompt, isWakeup: draft.wakeups.has(id) });
      draft.version += 1;
      return;
    }
    case 'message.processing': {
      const { message_id: id } = event.data;
      const key = draft.prompts.get(id);
      const isSteered = draft.open.size > 0;
      draft.open.add(id);
      draft.endedTurn = null;
      // It was held, and its turn begins anew.
      if (key !== undefined)
        draft.change(key, 'prompt', (prompt) => ({ ...prompt, state: 'processing', retryAt: null }));
      else place(draft, id, { seq, time, state: 'processing', isSteered });
      return;
    }
    case 'message.held': {
      const { message_id: id, retry_at: retryAt } = event.data;
      draft.open.delete(id);
      draft.change(draft.prompts.get(id), 'prompt', (prompt) => ({ ...prompt, state: 'held', retryAt }));
      return;
    }
    case 'message.settled':
      draft.change(draft.prompts.get(event.data.message_id), 'prompt', (prompt) => ({ ...prompt, isUnsettled: false }));
      return;
    case 'message.completed': {
      const isUnsettled = event.data.settled === false;
      ended(draft, event, { state: 'completed', isUnsettled });
      return;
    }
    case 'message.failed':
      ended(draft, event, { state: 'failed', error: event.data.error.detail });
      return;
    case 'message.interrupted': {
      const { code, detail } = event.data.error;
      ended(draft, event, { state: code === 'withdrawn' ? 'withdrawn' : 'interrupted', error: detail });
      return;
    }
    default:
      appendUnknown(draft, event);
  }
}

type Ended = Extract<OwnEvent, { type: 'message.completed' | 'message.failed' | 'message.interrupted' }>;
type End = Pick<PromptItem, 'state'> & Partial<Pick<PromptItem, 'error' | 'isUnsettled'>>;

function ended(draft: Draft, { seq, time, data }: Ended, end: End): void {
  const { message_id: id } = data;
  const ran = draft.open.delete(id);
  const key = draft.prompts.get(id);
  if (key !== undefined) draft.change(key, 'prompt', (prompt) => ({ ...prompt, ...end, retryAt: null }));
  // It ended before its turn began.
  else if (draft.waiting.has(id)) place(draft, id, { seq, time, ...end });
  if (end.state === 'withdrawn') return;
  const status = end.state === 'completed' ? 'completed' : end.state === 'failed' ? 'failed' : 'interrupted';
  const error = end.error ?? null;
  // A turn that had no end of its own: its container died.
  if (draft.endedTurn === null && ran && status !== 'completed')
    endTurn(draft, { key: `e${seq}`, seq, time, status, figures: null });
  draft.change(draft.endedTurn, 'turn', (turn) => ({ ...turn, status, error, ids: [...turn.ids, id] }));
}

/** A message gets its place in the log. */
function place(
  draft: Draft,
  id: string,
  known: Partial<PromptItem> & { readonly seq: number; readonly time: string },
): void {
  const waited = draft.waiting.get(id) ?? promptOf(id, known.time);
  draft.waiting.delete(id);
  const prompt: PromptItem = { ...waited, ...known, key: `e${known.seq}`, isWakeup: draft.wakeups.has(id) };
  draft.prompts.set(id, prompt.key);
  draft.append(prompt);
}

function promptOf(messageId: string, time: string): PromptItem {
  const unknown = { isSteered: false, isWakeup: false, isUnsettled: false, error: null, retryAt: null } as const;
  return { kind: 'prompt', key: '', seq: null, time, messageId, text: '', state: 'queued', ...unknown };
}
