import * as z from 'zod';
import { wakeupView } from '../api/session/message.ts';
import { instant, uuid } from '../ids.ts';

/** The inputs and outputs of the agent's tools for its wake-ups. */

/** Furthest that a wake-up may be ahead, seconds: 30 days. */
export const MAX_WAKEUP_SECONDS = 2_592_000;
/** Longest prompt of a wake-up, characters. */
export const MAX_WAKEUP_PROMPT = 32_768;

export const scheduleWakeupInput = z.strictObject({
  /** Exactly one of these two. */
  in_seconds: z.int().min(1).max(MAX_WAKEUP_SECONDS).optional(),
  at: z.iso
    .datetime({ offset: true, error: 'must be ISO 8601 with a time zone, such as 2026-01-31T09:00:00Z' })
    .optional(),
  prompt: z.string().min(1).max(MAX_WAKEUP_PROMPT),
});
export type ScheduleWakeupInput = z.infer<typeof scheduleWakeupInput>;
const scheduleWakeupOutput = z.object({ wakeup_id: uuid, at: instant });

export const listWakeupsInput = z.strictObject({});
/** Of a long prompt, the beginning. */
const listWakeupsOutput = z.object({ wakeups: z.array(wakeupView) });

export const cancelWakeupInput = z.strictObject({ wakeup_id: uuid });
const cancelWakeupOutput = z.object({ canceled: z.boolean() });

/** A call of one of these tools, as the wrapper sends it. */
export const wakeupToolCall = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('schedule_wakeup'), input: scheduleWakeupInput }),
  z.object({ tool: z.literal('list_wakeups'), input: listWakeupsInput }),
  z.object({ tool: z.literal('cancel_wakeup'), input: cancelWakeupInput }),
]);
export type WakeupToolCall = z.infer<typeof wakeupToolCall>;

/** The output of each tool: MCP's structured content. */
export const wakeupToolOutputs = {
  schedule_wakeup: scheduleWakeupOutput,
  list_wakeups: listWakeupsOutput,
  cancel_wakeup: cancelWakeupOutput,
} as const;
