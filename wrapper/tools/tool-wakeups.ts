import {
  cancelWakeupInput,
  listWakeupsInput,
  scheduleWakeupInput,
  wakeupToolOutputs,
} from '../../protocol/link/wakeup-tools.ts';
import { defineTool } from './tool-definition.ts';

/** The agent's tools for being woken later. */

export const scheduleWakeup = defineTool('schedule_wakeup', scheduleWakeupInput, {
  description:
    'Wake yourself later with a message, even if this container is gone by then. Returns at once. Not for background tasks and children, which report by themselves. For what repeats, schedule the next when woken.',
  fields: {
    in_seconds: 'Seconds from now. Either this or at.',
    at: 'ISO 8601 with a time zone.',
    prompt: 'What you are told then.',
  },
  output: wakeupToolOutputs.schedule_wakeup,
  hints: { readOnlyHint: false, destructiveHint: false },
});

export const listWakeups = defineTool('list_wakeups', listWakeupsInput, {
  description: 'List your wake-ups to come, the next first; long prompts are cut.',
  fields: {},
  output: wakeupToolOutputs.list_wakeups,
  hints: { readOnlyHint: true },
});

export const cancelWakeup = defineTool('cancel_wakeup', cancelWakeupInput, {
  description: 'Cancel one of your wake-ups that is to come.',
  fields: { wakeup_id: 'Which one.' },
  output: wakeupToolOutputs.cancel_wakeup,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
});
