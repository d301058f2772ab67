import { z } from 'zod';
import { spawnedSession, spawnRequest } from '../../../protocol/api/session/child.ts';
import { pathOf } from '../api.ts';
import { ofSession, prompt } from './fields.ts';
import { dataTool } from './tool.ts';

/** Tools for the children of a session. */

const { title, workspace, config } = spawnRequest.shape;

/** The settings that a child is often given. All others come from its parent. */
const settings = config.unwrap().pick({
  model: true,
  system_prompt: true,
  allowed_tools: true,
  permission_mode: true,
  agent_tools: true,
  max_turns: true,
  on_rate_limit: true,
  budget_usd: true,
  network: true,
  secrets: true,
});

/** Without a webhook's signing key, which a model must not see. */
const spawned = spawnedSession.pick({
  child_session_id: true,
  message_id: true,
  status: true,
  parent_session_id: true,
});

const spawnChild = dataTool('spawn_child', {
  title: 'Begin a child session',
  description: `Begin a child of a session: another agent, in a container of its own, which works on a prompt. It may do no more than its parent, shares its parent's budget, and is stopped and deleted with it; its parent sees what becomes of it. Returns without waiting; wait_for_result with child_session_id and message_id gets its answer.

Use it where a copy of the parent's files is needed or the two belong together; otherwise create_session is simpler.`,
  input: z.strictObject({
    ...ofSession,
    prompt,
    title,
    workspace: workspace.unwrap().shape.type.default('ephemeral'),
    ...settings.shape,
  }),
  fields: {
    session_id: 'The parent.',
    prompt:
      'The task, complete in itself: the child knows nothing of its parent’s conversation. As for create_session: text or blocks.',
    title: 'What it is for, in a few words.',
    workspace:
      'Where it works. "ephemeral" (default): an empty folder. "clone": a copy of its parent’s files as they are now. "inherit": its parent’s files themselves, beside it.',
    model: 'opus, sonnet, haiku or a model’s full name. Absent: its parent’s. A smaller one costs less.',
    system_prompt: 'Added to the agent’s own system prompt. Absent: nothing; it does not get its parent’s.',
    allowed_tools: 'As for create_session, but none that its parent may not use. Absent: its parent’s.',
    permission_mode: 'As for create_session, but none that asks less than its parent’s. Absent: its parent’s.',
    agent_tools: 'As for create_session. Absent: its parent’s.',
    max_turns: 'As for create_session. Absent: its parent’s.',
    on_rate_limit: 'As for create_session. Absent: its parent’s.',
    budget_usd: 'What it may cost with its own children, USD. Absent: whatever its parent’s budget has left.',
    network: 'As for create_session, but nowhere that its parent may not go. Absent: its parent’s.',
    secrets: 'As for create_session, but none that its parent has not. Absent: its parent’s.',
  },
  effect: 'changes',
  output: spawned,
  async run({ session_id, prompt, title, workspace, ...config }, { api }) {
    const body = { prompt, title, workspace: { type: workspace }, config };
    return api.call(spawned, 'POST', pathOf('/sessions/{}/spawn', session_id), { body });
  },
});

export const childTools = [spawnChild];
