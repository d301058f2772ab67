import {
  CHILD_EVENTS_PAGE,
  CHILD_RESULT_WAIT,
  childToolOutputs,
  getChildEventsInput,
  getChildResultInput,
  interruptChildInput,
  listChildrenInput,
  sendToChildInput,
  spawnSessionInput,
  stopChildInput,
} from '../../protocol/link/child-tools.ts';
import { defineTool } from './tool-definition.ts';

/** The agent's tools for its child sessions. */

/**
 * Characters. Above 50,000, Claude Code would put a result into a file, as a single line. Its final limit is 25,000 tokens.
 */
const MAX_RESULT_CHARACTERS = 100_000;

const CHILD = 'Which child, as spawn_session and list_children name it.';

export const spawnSession = defineTool('spawn_session', spawnSessionInput, {
  description: `Begin a child session: another agent, in a container of its own, which works on a prompt while you go on. Returns its child_session_id at once, without waiting; its answer comes from get_child_result.

Use it for work that is large and can be told in full: parts that do not depend on each other, or a long task of which you need only the outcome. Do not use it for what you would do yourself in a few steps. A child starts knowing nothing but the prompt, not this conversation nor your plan: give it the goal, the facts, and what its last message shall contain, for that is what you get. To have several work side by side, begin them all first and wait afterwards. Each costs money, from a budget that you and all your children share. When refused, you are told which limit was met: do the work yourself, or give it to a child that you have with send_to_child.`,
  fields: {
    prompt: 'The task, complete in itself.',
    title: 'What the child is for, in a few words: for people, and for you to tell several apart.',
    workspace:
      'Where it works. "ephemeral" (default): an empty folder. "clone": a copy of your files as they are now; you do not see what it changes. "inherit": your very files, beside you; keep to different ones.',
    model: 'Absent: as yours. A smaller one costs less.',
    system_prompt: 'Added to the child’s system prompt. Absent: nothing; it does not get yours.',
    allowed_tools: 'The tools that it may use, as Claude Code’s rules: none that you may not. Absent: as yours.',
    budget_usd:
      'What it may cost with the children that it begins itself, USD; then it pauses. Absent: whatever the common budget has left.',
  },
  output: childToolOutputs.spawn_session,
  hints: { readOnlyHint: false, destructiveHint: false },
});

export const listChildren = defineTool('list_children', listChildrenInput, {
  description: `List the children that you have begun, the oldest first, with title, status, messages that wait or run, questions that wait for a person, and cost. Use it to find their ids again or to see them all at a glance, not to wait: that is get_child_result.`,
  fields: {},
  output: childToolOutputs.list_children,
  hints: { readOnlyHint: true },
});

export const sendToChild = defineTool('send_to_child', sendToChildInput, {
  description: `Give a child another message. It takes it after those that it has, remembers all that was said before, has its files still, and wakes if it was stopped. Returns the message_id at once; the answer comes from get_child_result.

Use it to ask further, to correct, or for a next task that what it knows helps with, instead of a new child. To have it read at once what changes its task, use interrupt_child first.`,
  fields: {
    child_session_id: CHILD,
    prompt: 'The message. The child knows what it was told before, and nothing else.',
  },
  output: childToolOutputs.send_to_child,
  hints: { readOnlyHint: false, destructiveHint: false },
});

export const getChildResult = defineTool('get_child_result', getChildResultInput, {
  description: `Wait until a child has answered a message, and get the answer. To wait for several, call this for each of them in one go: the calls wait side by side.

What \`state\` means:
- completed: \`result\` is the last thing that it said.
- failed: \`error\` says why. Send it the message again if that may help, or do without.
- interrupted: it was ended before it was done; send_to_child lets it go on.
- working: the wait is over and the child goes on. Wait again, or see what it does with get_child_events. With open_interactions above 0 it waits for a person, who has been asked; you cannot answer for them.
- paused: the budget is spent, and nothing happens until a person raises it. Do not wait: tell the user so and end your turn.`,
  fields: {
    child_session_id: CHILD,
    message_id: 'Which message, as spawn_session or send_to_child returned it. Absent: the newest.',
    timeout_seconds: `How long to wait, seconds. Absent: ${CHILD_RESULT_WAIT}. 0: only look.`,
  },
  output: childToolOutputs.get_child_result,
  maxResultCharacters: MAX_RESULT_CHARACTERS,
  hints: { readOnlyHint: true },
});

export const getChildEvents = defineTool('get_child_events', getChildEventsInput, {
  description: `See what a child has said and done, step by step, long texts cut. Use it when a child takes long, failed, or answered something odd; to wait for it, or for its answer in full, use get_child_result.`,
  fields: {
    child_session_id: CHILD,
    after:
      'Only events after this seq: the next_after that you got, as long as it is below last_seq; or last_seq less some, for the newest. Absent: from the first on.',
    limit: `How many at most. Absent: ${CHILD_EVENTS_PAGE}.`,
  },
  output: childToolOutputs.get_child_events,
  maxResultCharacters: MAX_RESULT_CHARACTERS,
  hints: { readOnlyHint: true },
});

export const interruptChild = defineTool('interrupt_child', interruptChildInput, {
  description: `End what a child is doing right now. It keeps its conversation and its files, and goes on with the next message that waits. Use it when it goes astray, then say with send_to_child what to do instead. \`interrupted\` is false when it was doing nothing.`,
  fields: { child_session_id: CHILD },
  output: childToolOutputs.interrupt_child,
  hints: { readOnlyHint: false, destructiveHint: true },
});

export const stopChild = defineTool('stop_child', stopChildInput, {
  description: `Stop a child and all that it has begun: what they are doing and all that waits for them is given up, and their containers go. Conversations and files stay, and send_to_child wakes it again. Use it for a child whose work is not needed any more; one that is done needs no stopping.`,
  fields: { child_session_id: CHILD },
  output: childToolOutputs.stop_child,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
});
