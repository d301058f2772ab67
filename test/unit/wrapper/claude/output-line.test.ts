import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, type SplitLine } from '../../../../wrapper/lib/line-splitter.ts';
import { type OutputLine, readOutputLine, STATUS_REQUEST } from '../../../../wrapper/claude/output-line.ts';
import { Tail } from '../../../../wrapper/lib/tail.ts';

function split(bytes: Buffer, cuts: readonly number[], limit: number): SplitLine[] {
  const splitter = new LineSplitter(limit);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  const lines = at.slice(1).flatMap((end, i) => splitter.push(bytes.subarray(at[i], end)));
  const rest = splitter.end();
  return rest === null ? lines : [...lines, rest];
}

function read(text: string | Buffer, limit = 1000): OutputLine[] {
  return split(Buffer.from(text), [], limit).map((line) => readOutputLine(line, 'mine'));
}

test('lines come out byte for byte, wherever the stream is cut, characters included', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 8 }), fc.array(fc.nat()), (values, cuts) => {
      // Spaces and escapes that JSON.stringify would not write must survive too.
      const lines = values.map((text) => `{ "text":${JSON.stringify(text)},"u":"\\u00e9", "n":1.0 }`);
      const out = split(Buffer.from(lines.map((line) => `${line}\n`).join('')), cuts, 10_000);
      expect(out.map((line) => readOutputLine(line, 'mine'))).toEqual(lines.map((item) => ({ kind: 'item', item })));
    }),
  );
});

test('a line over the limit is named by its length and its head, and the next one is whole', () => {
  const long = `{"text":"${'é'.repeat(3000)}"}`;
  fc.assert(
    fc.property(fc.array(fc.nat()), (cuts) => {
      const lines = split(Buffer.from(`{"a":1}\n${long}\n{"b":2}\n`), cuts, 2000);
      const [first, oversized, last] = lines.map((line) => readOutputLine(line, 'mine'));
      expect(first).toEqual({ kind: 'item', item: '{"a":1}' });
      // 1024 bytes end within an é: it is left out, not replaced.
      const head = `{"text":"${'é'.repeat(507)}`;
      expect(oversized).toEqual({
        kind: 'item',
        item: { notice: 'oversized', bytes: Buffer.byteLength(long), head },
      });
      expect(last).toEqual({ kind: 'item', item: '{"b":2}' });
    }),
  );
});

test('of an answer to the wrapper itself that is over the limit no head is shown: servers’ headers stand in it', () => {
  const line = `{"type":"control_response","response":{"request_id":"cc-docker-mcp-status","x":"${'x'.repeat(2000)}"}}`;
  expect(read(`${line}\n`)).toEqual([{ kind: 'item', item: { notice: 'oversized', bytes: line.length, head: '' } }]);
});

test.each([
  ['cc-docker-set-model-1', { subtype: 'success', response: { model: 'claude-haiku-5-5' } }, 'model', null],
  ['cc-docker-set-permission-mode-12', { subtype: 'error', error: 'not now' }, 'permission_mode', 'not now'],
])('the answer to a change of a setting is read: %s', (request_id, rest, setting, refused) => {
  const line = JSON.stringify({ type: 'control_response', response: { request_id, ...rest } });
  expect(read(`${line}\n`)).toEqual([{ kind: 'setting', setting, refused }]);
});

const statusOf = (rest: object) =>
  `${JSON.stringify({ type: 'control_response', response: { request_id: STATUS_REQUEST, ...rest } })}\n`;

test('the status of MCP servers is read without their settings, and does not go up, nor does a refusal to tell it', () => {
  const mcpServers = [{ name: 'one', status: 'failed', error: 'gone', config: { headers: { 'x-key': 'secret' } } }];
  expect(read(statusOf({ subtype: 'success', response: { mcpServers } }))).toEqual([
    { kind: 'servers', servers: [{ name: 'one', status: 'failed', error: 'gone' }] },
  ]);
  expect(read(statusOf({ subtype: 'error', error: 'no' }))).toEqual([{ kind: 'servers', servers: [] }]);
});

test('a line of exactly the limit is carried', () => {
  const line = `{"a":"${'x'.repeat(92)}"}`;
  expect(read(`${line}\n`, Buffer.byteLength(line))).toEqual([{ kind: 'item', item: line }]);
  expect(read(`${line}\n`, Buffer.byteLength(line) - 1)).toMatchObject([{ item: { notice: 'oversized' } }]);
});

test.each(['not json', '[1]', '"text"', 'null', '{"a":', ''])(
  '%j is not a JSON object, and is told as garbled',
  (line) => {
    expect(read(`${line}\n`)).toEqual([{ kind: 'item', item: { notice: 'garbled', line } }]);
  },
);

test('bytes that are not UTF-8 are told as garbled, not altered in silence', () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n')]);
  expect(read(bytes)).toEqual([{ kind: 'item', item: { notice: 'garbled', line: '{"a":"\ufffd"}' } }]);
});

test('the last line counts without its newline', () => {
  expect(read('{"a":1}')).toEqual([{ kind: 'item', item: '{"a":1}' }]);
});

test('partial messages are previews, the last one of a model call says that it has ended, and one that is cut off is garbled', () => {
  const word = '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"text":"é"}},"uuid":"1"}';
  const stop = '{"type":"stream_event","event":{"type":"message_stop"},"uuid":"2"}';
  const said = '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"text":"message_stop"}}}';
  const other = '{ "type": "stream_event", "event": {} }';
  const cut = '{"type":"stream_event","event":{"type":"content_bl';
  expect(read([word, stop, said, other, cut].join('\n'))).toEqual([
    { kind: 'preview', line: word },
    { kind: 'preview', line: stop, spending: { is: 'call_ended' } },
    { kind: 'preview', line: said },
    { kind: 'preview', line: other },
    { kind: 'item', item: { notice: 'garbled', line: cut } },
  ]);
});

function answer(id: string, version: string): string {
  return `{"type":"control_response","response":{"subtype":"success","request_id":"${id}","response":{${version}}}}`;
}

test('the answer to the wrapper’s own initialize is kept from the session, and its own answers said again', () => {
  const [mine, unversioned, interrupted, echo, refused] = read(
    [
      answer('mine', '"claude_code_version":"2.1.330"'),
      answer('mine', ''),
      answer('cc-docker-interrupt-1', ''),
      answer('of-claude', '"behavior":"deny"'),
      '{"type":"control_response","response":{"subtype":"error","request_id":"mine","error":"no"}}',
    ].join('\n'),
  );
  expect(mine).toEqual({ kind: 'initialised', version: '2.1.330' });
  expect(unversioned).toEqual({ kind: 'initialised', version: 'unknown' });
  expect(interrupted).toEqual({ kind: 'item', item: answer('cc-docker-interrupt-1', '') });
  expect(echo).toEqual({ kind: 'echo' });
  expect(refused).toEqual({ kind: 'refused', detail: 'no' });
});

test('what Claude Code asks for, and takes back, is told apart by its request', () => {
  const request = { subtype: 'can_use_tool', tool_name: 'Bash', input: { command: 'ls' }, tool_use_id: 'toolu_1' };
  const [permission, strange, cancelled] = [
    { type: 'control_request', request_id: 'r1', request },
    { type: 'control_request', request_id: 'r2', request: { subtype: 'surprise' } },
    { type: 'control_cancel_request', request_id: 'r1' },
  ].map((value) => read(JSON.stringify(value))[0]);
  expect(permission).toEqual({
    kind: 'permission',
    request: { request_id: 'r1', request: { ...request, permission_suggestions: [] } },
  });
  expect(strange).toMatchObject({ kind: 'request', requestId: 'r2' });
  expect(cancelled).toMatchObject({ kind: 'cancel', requestId: 'r1' });
});

test('a message to an MCP server is told apart, and a task’s line names the subagents in it', () => {
  const message = { jsonrpc: '2.0', id: 0, method: 'ping' };
  const request = { subtype: 'mcp_message', server_name: 'cc-docker', message };
  const agent = { task_id: 'a1', task_type: 'local_agent', subagent_type: 'Explore', description: 'find it' };
  const shell = { task_id: 'b1', task_type: 'local_bash', description: 'sleep' };
  const lines = [
    { type: 'control_request', request_id: 'r1', request },
    { type: 'system', subtype: 'task_started', ...agent, prompt: 'Find it.' },
    { type: 'system', subtype: 'task_started', ...shell },
    { type: 'system', subtype: 'background_tasks_changed', tasks: [shell, agent, null] },
    { type: 'system', subtype: 'background_tasks_changed', tasks: 'none' },
  ].map((value) => JSON.stringify(value));
  expect(lines.map((line) => read(line)[0])).toEqual([
    { kind: 'mcp', requestId: 'r1', server: 'cc-docker', message },
    { kind: 'item', item: lines[1], agents: [agent] },
    { kind: 'item', item: lines[2] },
    { kind: 'item', item: lines[3], agents: [agent] },
    { kind: 'item', item: lines[4] },
  ]);
});

test('of stderr the end is kept, in whole characters', () => {
  const tail = new Tail(10);
  tail.push(Buffer.from('first, then'));
  tail.push(Buffer.from('ééééé!'));
  expect(tail.toString()).toBe('éééé!');
});

test.each([
  ['{"type":"system","subtype":"init","cwd":"/workspace"}', 'step'],
  ['{"type":"system","subtype":"status","status":"requesting"}', 'step'],
  ['{"type":"system","subtype":"session_state_changed","state":"running"}', 'step'],
  ['{"type":"system","subtype":"session_state_changed","state":"idle"}', 'item'],
  ['{"type":"system","subtype":"task_notification"}', 'item'],
  ['{"type":"user","subtype":"init"}', 'said'],
  ['{"type":"assistant","message":{"content":[]}}', 'said'],
  ['{"type":"result","subtype":"success"}', 'item'],
  ['{"type":"rate_limit_event"}', 'item'],
])(
  'only the beginning of a step may wait for what follows, and in a rush what the agent or a tool says: %s',
  (line, kind) => {
    expect(read(`${line}\n`)).toMatchObject([{ kind }]);
  },
);
