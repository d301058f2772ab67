import { expect, test } from 'vitest';
import { askingAgent } from '../../../../protocol/api/session/interaction.ts';
import { Agents } from '../../../../wrapper/claude/agents.ts';

const agent = (task_id: string, description = 'find it') =>
  ({ task_id, task_type: 'local_agent', subagent_type: 'Explore', description }) as const;

test('a subagent that was named has its type and what it does, another has its id alone, and the main agent has no name', () => {
  const agents = new Agents();
  agents.heard([agent('a1'), { task_id: 'a2', task_type: 'local_agent' }]);
  expect(agents.asking('a1')).toEqual({ id: 'a1', type: 'Explore', description: 'find it' });
  expect(agents.asking('a2')).toEqual({ id: 'a2' });
  expect(agents.asking('a3')).toEqual({ id: 'a3' });
  expect(agents.asking(null)).toBeNull();
});

test('the newest name counts, and names of any length can be carried', () => {
  const agents = new Agents();
  agents.heard([agent('a1')]);
  agents.heard([agent('a1', 'd'.repeat(9000))]);
  const asking = agents.asking('a1');
  expect(askingAgent.parse(asking)).toEqual(asking);
  expect(asking?.description).toMatch(/^d+$/);
  const long = agents.asking('i'.repeat(9000));
  expect(askingAgent.parse(long)).toEqual(long);
});

test('of very many subagents the oldest are forgotten', () => {
  const agents = new Agents();
  for (let n = 0; n <= 1000; n += 1) agents.heard([agent(`a${n}`)]);
  expect(agents.asking('a0')).toEqual({ id: 'a0' });
  expect(agents.asking('a1')).toMatchObject({ type: 'Explore' });
});
