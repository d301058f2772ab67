import type { OwnEvent, SessionEvent } from '../../../client/main.ts';
import { stopTools } from '../claude/tasks.ts';
import type { Draft } from '../draft.ts';
import { takeInteraction } from './interactions.ts';
import { takeMessage } from './messages.ts';
import { noticeOf } from './notices.ts';
import { takeTurn } from './turns.ts';
import { appendUnknown } from './unknown.ts';

/** Own types that say nothing to a reader of the log: another item shows the same. */
const SILENT: ReadonlySet<string> = new Set(['session.background_tasks', 'session.tool_refused', 'wakeup.fired']);

/** CC-Docker's own events, and those that this version does not know. */
export function takeOwn(draft: Draft, event: SessionEvent): void {
  const { type } = event as OwnEvent;
  if (type.startsWith('message.')) takeMessage(draft, event as OwnEvent);
  else if (type.startsWith('turn.')) takeTurn(draft, event as OwnEvent);
  else if (type.startsWith('interaction.')) takeInteraction(draft, event as OwnEvent);
  else takeRest(draft, event as OwnEvent);
}

function takeRest(draft: Draft, event: OwnEvent): void {
  const { seq, time, type, data } = event;
  if (type === 'wakeup.fired') draft.wakeups.add(data.message_id);
  // Without its container nothing runs.
  const isOver =
    type === 'session.claude_exited' || (type === 'session.status' && /^(stopped|failed)$/.test(data.status));
  if (isOver) {
    stopTools(draft, true);
    draft.previews = [];
  }
  if (SILENT.has(type)) return;
  const notice = noticeOf(event);
  if (notice === 'silent') return;
  if (notice === null) appendUnknown(draft, event);
  else draft.append({ kind: 'notice', key: `e${seq}`, seq, time, type, detail: null, sessionId: null, ...notice });
}
