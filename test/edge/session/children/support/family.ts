import { expect } from 'vitest';
import type { AgentCall } from '../../../../../durable/session/store/tables/agent-call-table.ts';
import type { FakeContainer } from '../../../support/runner.ts';
import type { User } from '../../../support/api.ts';

/** Begins a child over the API. */
export async function spawn(user: User, parent: string, body: object = {}): Promise<string> {
  const answer = await user.call('POST', `/sessions/${parent}/spawn`, { prompt: 'work', ...body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.child_session_id;
}

/** The agent calls one of its tools. */
export function callTool(container: FakeContainer, call: AgentCall, call_id: string = crypto.randomUUID()): string {
  container.say({ notice: 'tool_call', call_id, call });
  return call_id;
}

/** What the agent gets for a call. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
export async function useTool(container: FakeContainer, call: AgentCall): Promise<any> {
  const call_id = callTool(container, call);
  const answer = await container.answer();
  expect(answer.call_id).toBe(call_id);
  return answer;
}

export const ofType = (events: Awaited<ReturnType<User['events']>>, type: string) =>
  events.filter((event) => event.type === type).map(({ data }) => data);
