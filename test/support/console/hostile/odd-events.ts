/** What may stand where a text, a list or an object is expected. */
const ODD: readonly unknown[] = [
  null,
  0,
  -1,
  1e308,
  true,
  '',
  '<img src=x onerror=hit()>',
  '__proto__',
  [],
  [null],
  [[['<b>']]],
  {},
  { type: 'text', text: 5 },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":"x","length":-1,"toString":null}'),
  { type: 'div', props: { dangerouslySetInnerHTML: { __html: '<img src=x onerror=hit()>' } }, key: null, ref: null },
];

/** Blocks of a message that nobody knows, or that have other fields than they should. */
const BLOCKS: readonly unknown[] = [
  ...ODD,
  { type: 'text', text: ['a'] },
  { type: 'thinking', thinking: { a: 1 } },
  { type: 'redacted_thinking', data: 7 },
  { type: 'tool_use', id: 'odd-1', name: 7, input: 'text' },
  { type: 'tool_use', id: {}, name: 'Bash', input: { command: ['ls'] } },
  { type: 'tool_use', id: 'odd-2', name: '__proto__', input: null },
  { type: 'tool_use', id: 'odd-3', name: 'Edit', input: { file_path: 1, old_string: {}, new_string: null } },
  { type: 'tool_use', id: 'odd-4', name: 'TodoWrite', input: { todos: [null, 1, { content: {} }] } },
  { type: 'tool_use', id: 'odd-5', name: 'AskUserQuestion', input: { questions: [{ options: 'x' }, null] } },
  { type: 'tool_use', id: 'odd-6', name: 'Task', input: { prompt: [], description: 3 } },
  { type: 'tool_result', tool_use_id: 'odd-1', content: { type: 'x' } },
  { type: 'tool_result', tool_use_id: 'odd-2', content: [null, 'x', { type: 'image', source: null }] },
  { type: 'tool_result', tool_use_id: 'odd-3', content: [{ type: 'image', source: { data: 5, media_type: [] } }] },
  {
    type: 'tool_result',
    tool_use_id: 'odd-4',
    content: [{ type: 'image', source: { data: '<svg/>', media_type: 'image/svg+xml' } }],
  },
  { type: 'tool_result', tool_use_id: 'odd-5', content: 42, is_error: 'maybe' },
  { type: 'web_search_tool_result', content: [{ url: 'javascript:hit()', title: '<b>' }] },
  { type: '<img src=x onerror=hit()>', text: 'unknown' },
];

const FIELDS = (
  'subtype uuid result total_cost_usd usage duration_ms parent_tool_use_id tool_use_id task_id description status summary ' +
  'elapsed_time_seconds event index content output_file tool_use_result origin attempt max_retries retry_delay_ms error isReplay'
).split(' ');

/** One after the other, as `data` of any event that a container sends. An object it is: the edge sees to that. */
export const ODD_DATA: readonly Record<string, unknown>[] = [
  ...ODD.map((message) => ({ message })),
  ...ODD.map((odd) => ({ rate_limit_info: { status: 'rejected', resetsAt: odd, utilization: odd }, status: odd })),
  ...ODD.map((content) => ({ message: { id: content, content, usage: content } })),
  { message: { id: 'odd', role: 'assistant', content: BLOCKS } },
  { message: { id: 'odd', role: 'user', content: BLOCKS }, parent_tool_use_id: 'odd-6', tool_use_result: BLOCKS },
  ...ODD.map((odd) => Object.fromEntries(FIELDS.map((field) => [field, odd]))),
  ...ODD.map((odd) => ({ message: { content: [{ type: 'text', text: odd }] } })),
];
