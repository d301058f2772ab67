import * as z from 'zod';
import { childWorkspace } from '../api/session/child.ts';
import { instant, uuid } from '../ids.ts';
import { budgetUsd, childConfig } from '../api/session/session-config.ts';
import { sessionStatus, sessionTitle } from '../api/session/session.ts';

/** The inputs and outputs of the agent's tools for child sessions. */

const fields = childConfig.shape;

export const spawnSessionInput = z.strictObject({
  prompt: z.string().min(1).max(262_144),
  title: sessionTitle.optional(),
  workspace: childWorkspace.shape.type.optional(),
  model: fields.model,
  system_prompt: fields.system_prompt,
  allowed_tools: fields.allowed_tools,
  budget_usd: budgetUsd.optional(),
});
const spawnSessionOutput = z.object({ child_session_id: uuid, message_id: uuid, status: sessionStatus });

export const listChildrenInput = z.strictObject({});
/** A child, as its parent's agent sees it. */
const listedChild = z.object({
  child_session_id: uuid,
  title: z.string().nullable(),
  status: sessionStatus,
  /** Why it has this status, when there is a reason to give. */
  reason: z.string().nullable(),
  /** Number of messages that wait or run. */
  pending_messages: z.int(),
  total_cost_usd: z.number(),
  /** Number of the child's questions and permissions that wait for a person. */
  open_interactions: z.int(),
});
const listChildrenOutput = z.object({ children: z.array(listedChild) });

export const sendToChildInput = z.strictObject({ child_session_id: uuid, prompt: z.string().min(1).max(262_144) });
const sendToChildOutput = z.object({ message_id: uuid, status: sessionStatus });

export const getChildResultInput = z.strictObject({
  child_session_id: uuid,
  /** The message whose result is wanted; absent: the child's newest. */
  message_id: uuid.optional(),
  /** How long to wait, seconds; 0: not at all. */
  timeout_seconds: z.int().min(0).max(86_400).optional(),
});
/** Seconds that `get_child_result` waits without `timeout_seconds`. */
export const CHILD_RESULT_WAIT = 600;
const getChildResultOutput = z.object({
  child_session_id: uuid,
  message_id: uuid,
  /**
   * `working`: the wait is over, and the child works on. `paused`: the tree's budget is spent, and a person has to
   * raise it.
   */
  state: z.enum(['completed', 'failed', 'interrupted', 'working', 'paused']),
  result: z.string().nullable(),
  error: z.object({ code: z.string(), detail: z.string(), retry_at: instant.optional() }).nullable(),
  total_cost_usd: z.number().nullable(),
  /** Number of the child's questions and permissions that wait for a person. */
  open_interactions: z.int(),
});

export const getChildEventsInput = z.strictObject({
  child_session_id: uuid,
  /** Only events after this `seq`. */
  after: z.int().min(0).optional(),
  limit: z.int().min(1).max(200).optional(),
});
/** Events that `get_child_events` returns without `limit`. */
export const CHILD_EVENTS_PAGE = 50;
export const getChildEventsOutput = z.object({
  /** `text`: what the child wrote or did; long texts are cut. */
  events: z.array(z.object({ seq: z.int(), time: z.string(), type: z.string(), text: z.string() })),
  /** The `after` of the next page. */
  next_after: z.int(),
  last_seq: z.int(),
});

export const interruptChildInput = z.strictObject({ child_session_id: uuid });
const interruptChildOutput = z.object({ interrupted: z.boolean() });

export const stopChildInput = z.strictObject({ child_session_id: uuid });
const stopChildOutput = z.object({ status: sessionStatus });

/** A call of one of these tools, as the wrapper sends it. */
export const childToolCall = z.discriminatedUnion('tool', [
  z.object({ tool: z.literal('spawn_session'), input: spawnSessionInput }),
  z.object({ tool: z.literal('list_children'), input: listChildrenInput }),
  z.object({ tool: z.literal('send_to_child'), input: sendToChildInput }),
  z.object({ tool: z.literal('get_child_result'), input: getChildResultInput }),
  z.object({ tool: z.literal('get_child_events'), input: getChildEventsInput }),
  z.object({ tool: z.literal('interrupt_child'), input: interruptChildInput }),
  z.object({ tool: z.literal('stop_child'), input: stopChildInput }),
]);
export type ChildToolCall = z.infer<typeof childToolCall>;

/** The output of each tool: MCP's structured content. */
export const childToolOutputs = {
  spawn_session: spawnSessionOutput,
  list_children: listChildrenOutput,
  send_to_child: sendToChildOutput,
  get_child_result: getChildResultOutput,
  get_child_events: getChildEventsOutput,
  interrupt_child: interruptChildOutput,
  stop_child: stopChildOutput,
} as const;
