import { expect, test } from 'vitest';
import { NOTHING_PRINTED, printEvent } from '../../../../cli/output/print-stream.ts';

type Event = [type: string, data: Record<string, unknown>];

/** What a terminal shows of these events. */
function shown(...events: Event[]): string {
  let printed = NOTHING_PRINTED;
  let screen = '';
  for (const [type, data] of events) {
    const next = printEvent(printed, { type, data });
    printed = next.printed;
    screen += next.pieces.map(({ text }) => text).join('');
  }
  return screen;
}

const preview = (text: string, index = 0, message = 'msg_1', parent: string | null = null): Event => [
  'stream_event',
  {
    event: { type: 'content_block_delta', index, delta: { type: 'text_delta', text } },
    api_message_id: message,
    parent_tool_use_id: parent,
  },
];
const assistant = (block: object, id = 'msg_1', parent: string | null = null): Event => [
  'assistant',
  { message: { id, role: 'assistant', content: [block] }, parent_tool_use_id: parent },
];
const say = (text: string, id?: string) => assistant({ type: 'text', text }, id);
const call = (name: string, input: object) => assistant({ type: 'tool_use', id: 'toolu_1', name, input });
const answer = (content: unknown, is_error = false): Event => [
  'user',
  { message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content, is_error }] } },
];

test('text appears as it is generated, and the message that repeats it adds nothing', () => {
  expect(shown(preview('Hel'), preview('lo'))).toBe('Hello');
  expect(shown(preview('Hel'), preview('lo'), say('Hello'))).toBe('Hello\n');
});

test('text whose previews were missed is printed whole, or from where they broke off', () => {
  expect(shown(say('Hello'))).toBe('Hello\n');
  expect(shown(preview('Hel'), say('Hello'))).toBe('Hello\n');
});

test('previews that arrive after their message are not printed', () => {
  expect(shown(say('Hello'), preview('lo'), preview('Next', 1))).toBe('Hello\nNext');
});

test('text that is not what was previewed begins a line of its own', () => {
  expect(shown(preview('Hel'), say('Something else', 'msg_2'))).toBe('Hel\nSomething else\n');
});

test('a tool call is one line, with the argument that tells most', () => {
  expect(shown(preview('I write.'), call('Write', { file_path: '/workspace/hello.md', content: 'x' }))).toBe(
    'I write.\n● Write hello.md\n',
  );
  expect(shown(call('Bash', { command: 'ls\npwd', description: 'List' }))).toBe('● Bash ls …\n');
  expect(shown(call('mcp__files__read', {}))).toBe('● files: read\n');
});

test('a tool result is condensed to its first line', () => {
  expect(shown(answer('a\nb\nc\n'))).toBe('  ⎿ a … 2 more lines\n');
  expect(shown(answer([{ type: 'text', text: 'found' }]))).toBe('  ⎿ found\n');
  expect(shown(answer(''))).toBe('  ⎿ (no output)\n');
  const { pieces } = printEvent(NOTHING_PRINTED, { type: 'user', data: answer('no such file', true)[1] });
  expect(pieces).toEqual([{ kind: 'error', text: '  ⎿ no such file\n' }]);
});

test("of a subagent the tool calls are shown, indented, and its words are not mixed into the agent's", () => {
  const read = { type: 'tool_use', id: 'toolu_2', name: 'Read', input: { file_path: 'a.md' } };
  expect(shown(preview('inner', 0, 'msg_2', 'toolu_1'), assistant(read, 'msg_2', 'toolu_1'))).toBe('  ● Read a.md\n');
});

test('a turn ends with its duration and cost', () => {
  const result = { is_error: false, duration_ms: 1234, total_cost_usd: 0.01239, num_turns: 2 };
  expect(shown(['result', result])).toBe('✓ done in 1.2 s, 2 model calls, $0.0124\n');
});

test('a failed turn is told once, with its code', () => {
  const message_id = '01a20303-74c4-742e-ad7e-cc3264b8da36';
  const error = { code: 'model_auth_failed', detail: 'The model refused the credential.' };
  expect(
    shown(
      ['result', { is_error: true, duration_ms: 1, total_cost_usd: 0, num_turns: 1 }],
      ['message.failed', { message_id, error }],
    ),
  ).toBe('✗ The model refused the credential. (model_auth_failed)\n');
});

test('what a session waits for or ends by is told with its reason', () => {
  const reason = { code: 'no_runner', detail: 'No runner is connected.' };
  expect(shown(['session.status', { status: 'queued', epoch: 1, reason }])).toBe(
    'session queued: No runner is connected.\n',
  );
  expect(shown(['session.status', { status: 'running', epoch: 1, reason: null }])).toBe('');
});

test('the terminal is safe from what an agent says', () => {
  expect(shown(preview('\u001b]0;owned\u0007\u001b[2Jhi\r\n'), preview('\u009b31m\u202eyou'))).toBe(
    ']0;owned[2Jhi\n31myou',
  );
  expect(shown(call('Bash', { command: 'echo \u001b[31mred' }))).toBe('● Bash echo [31mred\n');
});

test('an event of an unknown type, or of an unknown shape, shows nothing', () => {
  expect(shown(['rate_limit_event', {}], ['assistant', { message: 1 }], ['stream_event', {}], ['result', {}])).toBe('');
});
