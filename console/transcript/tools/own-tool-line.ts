import { firstString, numberOf, type Fields } from '../fields.ts';
import type { ToolLine } from './line.ts';

/** A tool of CC-Docker's own (docs/people.md, docs/children.md) in one line; null: it is not known here. */
export function ownToolLine(tool: string, input: Fields): ToolLine | null {
  const text = (...names: readonly string[]) => firstString(input, ...names) ?? '';
  switch (tool) {
    case 'ask_user':
      return { name: 'Ask', what: text('question') };
    case 'notify_user':
      return { name: 'Notify', what: text('summary', 'message') };
    case 'share_port':
      return { name: 'Share port', what: `${numberOf(input['port']) ?? ''}` };
    case 'share_artifact':
      return { name: 'Share file', what: text('name', 'path'), isPath: true };
    case 'schedule_wakeup':
      return { name: 'Wake up', what: [text('at'), delayOf(input), text('prompt')].filter(Boolean).join(': ') };
    case 'list_wakeups':
      return { name: 'List wake-ups', what: '' };
    case 'cancel_wakeup':
      return { name: 'Cancel wake-up', what: text('wakeup_id') };
    case 'spawn_session':
      return { name: 'Start a child', what: text('title', 'prompt') };
    case 'send_to_child':
      return { name: 'Tell a child', what: text('prompt', 'message') };
    case 'list_children':
      return { name: 'List children', what: '' };
    case 'get_child_result':
      return { name: "Read a child's answer", what: text('child_session_id') };
    case 'get_child_events':
      return { name: "Read a child's log", what: text('child_session_id') };
    case 'interrupt_child':
      return { name: 'Interrupt a child', what: text('child_session_id') };
    case 'stop_child':
      return { name: 'Stop a child', what: text('child_session_id') };
    default:
      return null;
  }
}

function delayOf(input: Fields): string {
  const seconds = numberOf(input['delay_seconds']);
  return seconds === null ? '' : `in ${seconds} s`;
}
