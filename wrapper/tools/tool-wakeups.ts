import {
  cancelWakeupInput,
  listWakeupsInput,
  scheduleWakeupInput,
  wakeupToolOutputs,
} from '../../protocol/link/wakeup-tools.ts';
import { defineTool } from './tool-definition.ts';

/** The agent's tools for being woken later. */

export const scheduleWakeup = defineTool('schedule_wakeup', scheduleWakeupInput, {
  description: `Have yourself woken later by a message of your own. Returns at once: end your turn then. It comes once, even if this container is gone by then.

Use it to look at something again later. Do not use it to wait for background tasks or children: they report by themselves. For what repeats, schedule the next one when you are woken.`,
  fields: {
    in_seconds: 'Seconds from now, up to 30 days. Either this or `at`.',
    at: 'ISO 8601 with a time zone.',
    prompt: 'What you are told then.',
  },
  output: wakeupToolOutputs.schedule_wakeup,
  hints: { readOnlyHint: false, destructiveHint: false },
});

export const listWakeups = defineTool('list_wakeups', listWakeupsInput, {
  description: 'List your wake-ups that are still to come, the next one first. Long prompts are cut.',
  fields: {},
  output: wakeupToolOutputs.list_wakeups,
  hints: { readOnlyHint: true },
});

export const cancelWakeup = defineTool('cancel_wakeup', cancelWakeupInput, {
  description: 'Cancel a wake-up that is still to come.',
  fields: { wakeup_id: 'Which one, as schedule_wakeup and list_wakeups name it.' },
  output: wakeupToolOutputs.cancel_wakeup,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
});
