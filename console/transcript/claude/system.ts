import type { ClaudeEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, firstString, numberOf, stringOf, type Fields } from '../fields.ts';
import type { NoticeItem, Tone } from '../item.ts';
import { takeTask } from './tasks.ts';
import { textOf } from '../../safe/text/text-of.ts';

export function takeSystem(draft: Draft, event: ClaudeEvent): void {
  const { seq, time, data } = event;
  const subtype = data['subtype'];
  switch (subtype) {
    case 'task_started':
    case 'task_progress':
    case 'task_updated':
    case 'task_notification':
      takeTask(draft, event);
      return;
    case 'api_retry':
      takeRetry(draft, event);
      return;
    case 'compact_boundary':
      draft.append(notice(event, 'quiet', 'The conversation was shortened (compacted) to go on'));
      return;
    case 'informational':
      draft.append(notice(event, 'info', firstString(data, 'content') ?? 'Claude Code has a note'));
      return;
    default:
      draft.append({ kind: 'unknown', key: `e${seq}`, seq, time, type: `system: ${textOf(subtype)}`, data });
  }
}

/** The model did not answer, and is asked again: one line, however often. */
function takeRetry(draft: Draft, event: ClaudeEvent): void {
  const { data } = event;
  const attempt = numberOf(data['attempt']);
  const of = numberOf(data['max_retries']);
  const status = numberOf(data['error_status']);
  const why = firstString(data, 'error') ?? 'it cannot be reached';
  const wait = Math.round((numberOf(data['retry_delay_ms']) ?? 0) / 100) / 10;
  const text = `The model does not answer (${status === null ? why : `${status} ${why}`}): try ${attempt} of ${of} in ${wait} s`;
  const { last } = draft;
  if (last?.kind === 'notice' && last.type === 'api_retry')
    draft.change(last.key, 'notice', (retry) => ({ ...retry, text }));
  else draft.append({ ...notice(event, 'warn', text), type: 'api_retry' });
}

/** How much of a subscription's usage limit is used. */
export function takeRateLimit(draft: Draft, event: ClaudeEvent): void {
  const info: Fields = fieldsOf(event.data['rate_limit_info']);
  const status = stringOf(info['status']);
  if (status === null || status === 'allowed') return;
  const resets = numberOf(info['resetsAt']);
  // A time that is none throws.
  const at = resets === null ? Number.NaN : new Date(resets * 1000).getTime();
  const when = Number.isNaN(at) ? '' : `, until ${new Date(at).toISOString()}`;
  const text = status === 'rejected' ? `The usage limit is reached${when}` : `The usage limit is near${when}`;
  draft.append(notice(event, 'warn', text));
}

function notice({ seq, time, type }: ClaudeEvent, tone: Tone, text: string): NoticeItem {
  return { kind: 'notice', key: `e${seq}`, seq, time, type, tone, text, detail: null, sessionId: null };
}
