import { expect, test } from 'vitest';
import { readClaudeLine } from '../../../../durable/session/core/link/claude-line.ts';
import type { ToolCall } from '../../../../wrapper/tools/tool-calls.ts';
import { answer, answerCall, results, sharing, use, using } from '../../../support/wrapper/tool-stage.ts';

const CHILDREN = [1, 2, 3].map((n) => `01890000-0000-7000-8000-00000000000${n}`);
const [ONE = ''] = CHILDREN;
const TOOLS = {
  agent_tools: ['spawn_session', 'list_children', 'get_child_result', 'get_child_events', 'stop_child'],
};
const share = sharing();

const spawned = (child_session_id: string) => ({ child_session_id, message_id: ONE, status: 'starting' });

const finished = (child_session_id: string, result: string) => ({
  child_session_id,
  message_id: ONE,
  state: 'completed',
  result,
  error: null,
  total_cost_usd: 0.5,
  open_interactions: 0,
});

const childOf = (call: ToolCall): string => ('child_session_id' in call.input ? call.input.child_session_id : '');

/** What the model was sent as the result of the `n`th of the uses that its first answer was made of. */
function read({ heard }: { heard: string[] }, n: number): unknown {
  const found = new RegExp(
    `"tool_use_id":"toolu_msg_\\d+_${n}","type":"tool_result","content":("(?:[^"\\\\]|\\\\.)*")`,
  );
  const content: unknown = JSON.parse(found.exec(heard[1] ?? '')?.[1] ?? '""');
  return JSON.parse(String(content));
}

test('three results are waited for at once, and each wait gets its own, in whatever order they come', async () => {
  const stage = await share(
    TOOLS,
    CHILDREN.map((child_session_id) => use('get_child_result', { child_session_id })),
  );
  const { session } = stage;
  const turn = session.turn('go');
  await session.nth('tool_call', 2);
  for (const n of [2, 0, 1]) {
    const { call } = await session.nth('tool_call', n);
    const structured = finished(childOf(call), `from ${childOf(call)}`);
    await answerCall(session, n, { text: JSON.stringify(structured), is_error: false, structured });
  }
  expect(await turn).toMatchObject({ is_error: false, result: 'done' });
  for (const [n, child] of CHILDREN.entries()) expect(read(stage, n)).toEqual(finished(child, `from ${child}`));
});

test('each call says how Claude Code names it, and a line says by that name when the agent has read the result', async () => {
  const stage = await share(
    TOOLS,
    CHILDREN.map((child_session_id) => use('get_child_result', { child_session_id })),
  );
  const { session } = stage;
  const turn = session.turn('go');
  const names: (string | undefined)[] = [];
  const read = () =>
    session.seen.flatMap((line) => {
      const { signal } = { signal: null, ...readClaudeLine(line, []) };
      return signal?.is === 'tool_results' ? signal.tool_use_ids : [];
    });
  // All of them first: the agent may read an answer while another call is still on its way.
  for (const n of CHILDREN.keys()) names.push((await session.nth('tool_call', n)).tool_use_id);
  expect(new Set(names).size).toBe(3);
  expect(read()).toEqual([]);
  for (const [n, child] of CHILDREN.entries()) {
    const structured = finished(child, 'done');
    await answerCall(session, n, { text: JSON.stringify(structured), is_error: false, structured });
  }
  await turn;
  expect(new Set(read())).toEqual(new Set(names));
});

test('three children are begun with one answer of the model’s, and it reads which is which', async () => {
  const inputs = ['one', 'two', 'three'].map((prompt) => ({ prompt, workspace: 'clone', budget_usd: 2 }));
  const stage = await share(
    TOOLS,
    inputs.map((input) => use('spawn_session', input)),
  );
  const { session } = stage;
  const turn = session.turn('go');
  for (const [n, child] of CHILDREN.entries()) {
    const structured = spawned(child);
    const call = await answerCall(session, n, { text: JSON.stringify(structured), is_error: false, structured });
    expect(call).toEqual({ tool: 'spawn_session', input: inputs[n] });
  }
  await turn;
  for (const [n, child] of CHILDREN.entries()) expect(read(stage, n)).toEqual(spawned(child));
});

test('of a result with data the model reads the data alone, so a sentence beside them is lost', async () => {
  const stage = await share(TOOLS, [use('spawn_session', { prompt: 'x' })]);
  const { session } = stage;
  const turn = session.turn('go');
  await answerCall(session, 0, { text: 'It has begun.', is_error: false, structured: spawned(ONE) });
  await turn;
  expect(read(stage, 0)).toEqual(spawned(ONE));
  expect(stage.heard.join()).not.toContain('It has begun.');
});

test('a refusal is read as an error, in its own words', async () => {
  const stage = await share(TOOLS, [use('spawn_session', { prompt: 'x' })]);
  const { session } = stage;
  const turn = session.turn('go');
  await answer(session, 0, 'No deeper than 5: do it yourself.', true);
  await turn;
  expect(results(session)).toMatch(/"content":"No deeper than 5: do it yourself\."[^}]*"is_error":true/);
});

test('arguments that do not fit reach nobody, and the model is told what to correct', async () => {
  const stage = await share(TOOLS, [
    use('spawn_session', { workspace: { type: 'clone' }, budget_usd: -1 }),
    use('get_child_result', { child_session_id: 'the first one' }),
    use('list_children', { of: 'mine' }),
  ]);
  const { session } = stage;
  expect(await session.turn('go')).toMatchObject({ is_error: false, result: 'done' });
  expect(session.all('tool_call')).toEqual([]);
  const told = results(session);
  for (const tool of ['spawn_session', 'get_child_result', 'list_children'])
    expect(told).toContain(`Nothing was done: these arguments of ${tool} do not fit`);
  for (const problem of ['at prompt', 'at workspace', 'at budget_usd', 'must be a UUID', 'Unrecognized key'])
    expect(told).toContain(problem);
  expect(told).toContain('inherit');
});

test('a tool that the session does not have is not there', async () => {
  await using stage = await using([use('stop_child', { child_session_id: ONE })]);
  const { session } = stage;
  await stage.start({ config: { agent_tools: ['list_children'] } });
  await session.turn('go');
  expect(results(session)).toContain('No such tool available: mcp__cc-docker__stop_child');
  expect(session.all('tool_call')).toEqual([]);
  expect([...stage.offered].filter((name) => name.startsWith('mcp__'))).toEqual(['mcp__cc-docker__list_children']);
});

test('a child’s long answer, and a long page of its events, reach the model whole', async () => {
  const child_session_id = ONE;
  const stage = await share(TOOLS, [
    use('get_child_result', { child_session_id }),
    use('get_child_events', { child_session_id }),
  ]);
  const { session } = stage;
  const turn = session.turn('go');
  const text = 'word and word '.repeat(7000);
  const events = {
    events: [{ seq: 1, time: '2026-01-01T00:00:00.000Z', type: 'user', text }],
    next_after: 1,
    last_seq: 1,
  };
  const answers = { get_child_result: finished(ONE, text), get_child_events: events };
  for (const n of [0, 1]) {
    const { call } = await session.nth('tool_call', n);
    const structured = call.tool === 'get_child_events' ? answers.get_child_events : answers.get_child_result;
    await answerCall(session, n, { text: '', is_error: false, structured });
  }
  await turn;
  expect([read(stage, 0), read(stage, 1)]).toEqual([answers.get_child_result, answers.get_child_events]);
});

test('while it plans, it looks after its children unasked, but a person decides whether one is begun', async () => {
  await using stage = await using([use('list_children', {})], [use('spawn_session', { prompt: 'x' })]);
  const { session } = stage;
  await stage.start({ config: { ...TOOLS, permission_mode: 'plan', allowed_tools: [] } });
  const turn = session.turn('go');
  await answerCall(session, 0, { text: '', is_error: false, structured: { children: [] } });
  const { subject } = await session.resolve(0, { kind: 'decision', decision: 'deny', message: 'Not yet.' });
  expect(subject).toMatchObject({ kind: 'permission', tool_name: 'mcp__cc-docker__spawn_session' });
  await turn;
  expect(session.all('tool_call')).toHaveLength(1);
  expect(results(session)).toContain('Not yet.');
});

test('where people are asked, its children need nobody’s leave', async () => {
  await using stage = await using([
    use('spawn_session', { prompt: 'x' }),
    use('stop_child', { child_session_id: ONE }),
  ]);
  const { session } = stage;
  await stage.start({ config: { ...TOOLS, permission_mode: 'ask', allowed_tools: [] } });
  const turn = session.turn('go');
  await answerCall(session, 0, { text: '', is_error: false, structured: spawned(ONE) });
  await answerCall(session, 1, { text: '', is_error: false, structured: { status: 'stopped' } });
  await turn;
  expect(session.all('asked')).toEqual([]);
});
