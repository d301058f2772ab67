import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';
import { sharing } from '../../../support/wrapper/tool-stage.ts';
import { until } from '../../../support/until.ts';

const share = sharing();

/** An answer's words, one at each call of `more`. */
function paced(): { words: AsyncIterable<string>; more: (text: string) => void; end: () => void } {
  const stream = new TransformStream<string, string>();
  const writer = stream.writable.getWriter();
  return {
    words: stream.readable,
    more: (text) => void writer.write(text),
    end: () => void writer.close(),
  };
}

const endless: AsyncIterable<string> = {
  async *[Symbol.asyncIterator]() {
    yield 'and so on ';
    await new Promise(() => {});
  },
};

/** Processes that have `text` in their command line or environment. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => {
      try {
        return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text));
      } catch {
        return false;
      }
    });
}

test('claude is initialised before the first prompt, and a prompt that came earlier waits for it', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  session.prompt('early');
  await stage.start();
  await session.notice('ready');
  expect(session.notices).toEqual([{ notice: 'ready', claude_version: expect.stringMatching(/^\d+\.\d+\.\d+$/) }]);
  expect(session.items.findIndex((item) => typeof item !== 'string')).toBe(0);
  const result = await session.until(() => session.lines.find((line) => line['type'] === 'result'));
  expect(result).toMatchObject({ is_error: false, result: 'hello' });
  expect(session.taken).toBe(1);
});

test('the turns of an epoch are one conversation in one process, under the ids that were given', async () => {
  const stage = await share({});
  const { session } = stage;
  stage.follow = (latest, all) => [
    { words: [latest.includes('recall') ? `recalled: ${/code is \w+/.exec(all)?.[0]}` : 'noted'] },
  ];
  await session.turn('the code is heron');
  const second = session.prompt('recall the code');
  const result = await session.until(() => session.lines.filter((line) => line['type'] === 'result')[1]);
  expect(result).toMatchObject({ result: 'recalled: code is heron', session_id: stage.sessionId });
  expect(session.lines).toContainEqual(expect.objectContaining({ type: 'user', uuid: second, isReplay: true }));
  // Nothing became ready anew.
  expect(session.notices).toEqual([]);
});

test('text arrives as it is generated, in its place before the message that holds it whole', async () => {
  const { words, more, end } = paced();
  const stage = await share({});
  const { session } = stage;
  stage.follow = () => [{ words }];
  session.prompt('speak');
  const shown = (): string =>
    session.seen
      .map((line) => JSON.parse(line).event?.delta?.text)
      .filter((text) => text !== undefined)
      .join('');
  more('one ');
  await session.until(() => shown() === 'one ');
  more('two');
  await session.until(() => shown() === 'one two');
  expect(session.lines.filter((line) => line['type'] === 'assistant')).toEqual([]);
  end();
  await session.until(() => session.lines.find((line) => line['type'] === 'result'));
  const assistant = session.seen.findIndex((line) => line.includes('"type":"assistant"'));
  const lastDelta = session.seen.findLastIndex((line) => line.includes('text_delta'));
  expect(lastDelta).toBeLessThan(assistant);
  expect(session.lines.filter((line) => line['type'] === 'stream_event')).toEqual([]);
});

test('a link that breaks again and again in the middle of turns loses and repeats nothing', async () => {
  const stage = await share({});
  const { session } = stage;
  stage.follow = (latest) =>
    latest.includes('tool_result')
      ? [{ words: ['done'] }]
      : [0, 1, 2].map((n) => ({ tool: 'Bash', input: { command: `echo ${n}` } }));
  const connections = session.connections;
  session.withholdAcks = true;
  // A break of a link that is not there again yet would be none.
  const breakAndReturn = async (): Promise<void> => {
    const before = session.connections;
    session.breakLink();
    await session.until(() => session.connections > before);
  };
  const breakOn = session.until(() => session.lines.find((line) => line['type'] === 'assistant'));
  session.prompt('first');
  await breakAndReturn();
  await breakOn;
  for (const type of ['user', 'result']) {
    await breakAndReturn();
    await session.until(() => session.lines.find((line) => line['type'] === type && line['isReplay'] !== true));
  }
  session.withholdAcks = false;
  await breakAndReturn();
  await session.turn('second');
  expect(session.connections - connections).toBeGreaterThan(3);
  const uuids = session.lines.map((line) => line['uuid']).filter((uuid) => uuid !== undefined);
  const replayed = session.lines.filter((line) => line['isReplay'] === true);
  expect(replayed).toHaveLength(2);
  expect(new Set(uuids).size).toBe(uuids.length);
  // Two turns of one prompt, three tool calls and their results, and an answer each.
  const count = (type: string): number => session.lines.filter((line) => line['type'] === type).length;
  expect([count('assistant'), count('user'), count('result')]).toEqual([8, 8, 2]);
});

test('an interrupt ends the running turn, and the next message is answered', async () => {
  const stage = await share({});
  const { session } = stage;
  stage.follow = (latest) => [{ words: latest.includes('endless') && !latest.includes('now?') ? endless : ['again'] }];
  const message_id = session.prompt('endless');
  await session.until(() => session.seen.find((line) => line.includes('text_delta')));
  session.order({ command: 'interrupt', message_id });
  const result = await session.until(() => session.lines.find((line) => line['type'] === 'result'));
  expect(result).toMatchObject({ is_error: true, terminal_reason: 'aborted_streaming' });
  expect(await session.turn('and now?')).toMatchObject({ is_error: false, result: 'again' });
});

test('an interrupt right behind its message is not lost', async () => {
  const stage = await share({});
  const { session } = stage;
  // Of an interrupted turn nothing may be answered yet: what it was asked comes again.
  stage.follow = (latest) => [{ words: latest.includes('now?') ? ['again'] : endless }];
  for (let times = 0; times < 3; times += 1) {
    const message_id = session.prompt('endless');
    session.order({ command: 'interrupt', message_id });
    const isEnd = (line: Record<string, unknown>) =>
      line['command_uuid'] === message_id && (line['state'] === 'cancelled' || line['state'] === 'completed');
    // Before its turn begins, it is taken back, and there is no result.
    expect(await session.until(() => session.lines.find(isEnd))).toMatchObject({ state: 'cancelled' });
  }
  expect(session.lines.filter((line) => line['type'] === 'result' && line['is_error'] === false)).toEqual([]);
  expect(await session.turn('and now?')).toMatchObject({ is_error: false, result: 'again' });
});

test('a stop in the middle of a tool call tells the exit, leaves no process, and what was said is stored', async () => {
  const marker = `marker${crypto.randomUUID()}`;
  await using stage = await Stage.open(() => [
    {
      tool: 'Bash',
      input: { command: `(setsid nohup tail -f /dev/null ${marker} >/dev/null 2>&1 &); tail -f /dev/null` },
    },
  ]);
  const { session } = stage;
  const wrapper = await stage.start();
  session.prompt('work');
  await until(() => expect(processesWith(marker).length).toBeGreaterThan(1));
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toEqual({ code: 0, signal: null, stderr: '' });
  expect(session.items.at(-1)).toMatchObject({ notice: 'exited', code: 143 });
  expect(processesWith(marker)).toEqual([]);
  expect(processesWith(stage.path(''))).toEqual([]);
});

test('a resumed session knows what was said before, and takes another system prompt', async () => {
  await using stage = await Stage.open((_, all) => [
    { words: ['code is heron', 'Be brief.', 'Be thorough.'].map((text) => (all.includes(text) ? 'yes ' : 'no ')) },
  ]);
  const wrapper = await stage.start({ config: { system_prompt: 'Be brief.' } });
  expect(await stage.session.turn('the code is heron')).toMatchObject({ result: 'yes yes no ' });
  wrapper.signal('SIGTERM');
  await wrapper.exit;
  const session = await stage.freshSession();
  await stage.start({ resume: true, config: { system_prompt: 'Be thorough.' } });
  expect(await session.turn('what was it?')).toMatchObject({
    result: 'yes no yes ',
    session_id: stage.sessionId,
  });
});

test('MCP servers serve their tools, and of those too only the listed run', async () => {
  await using stage = await Stage.open((latest) =>
    latest.includes('tool_result')
      ? [{ words: ['done'] }]
      : ['shout', 'whisper'].map((name) => ({ tool: `mcp__voice__${name}`, input: {} })),
  );
  const server = await stage.standIn(`
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line);
      const answer = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      const inputSchema = { type: 'object' };
      if (method === 'initialize')
        answer({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'voice', version: '1' } });
      if (method === 'tools/list')
        answer({ tools: ['shout', 'whisper'].map((name) => ({ name, description: name, inputSchema })) });
      if (method === 'tools/call') answer({ content: [{ type: 'text', text: 'the voice said ' + params.name }] });
    });`);
  await stage.start({ config: { mcp_servers: { voice: { command: server } }, allowed_tools: ['mcp__voice__shout'] } });
  await stage.session.turn('try them');
  const results = JSON.stringify(stage.session.lines.filter((line) => line['type'] === 'user'));
  expect(results).toContain('the voice said shout');
  expect(results).toContain('Permission to use mcp__voice__whisper has been denied');
});

test('only the tools that are listed run; the rest is denied without anyone being asked', async () => {
  await using stage = await Stage.open((latest) =>
    latest.includes('tool_result')
      ? [{ words: ['done'] }]
      : [
          { tool: 'Write', input: { file_path: stage.path('workspace/allowed.md'), content: 'x' } },
          // Without its own limit, Claude Code runs a command that only reads.
          { tool: 'Bash', input: { command: 'echo forbidden' } },
          { tool: 'Read', input: { file_path: stage.path('workspace/allowed.md') } },
        ],
  );
  const { session } = stage;
  await stage.start({ config: { allowed_tools: ['Write'] } });
  await session.turn('try them');
  const results = JSON.stringify(session.lines.filter((line) => line['type'] === 'user'));
  expect(readFileSync(stage.path('workspace/allowed.md'), 'utf8')).toBe('x');
  expect(results).toContain('No such tool available: Bash');
  expect(results).toContain('No such tool available: Read');
});

test('a rule limits its tool', async () => {
  await using stage = await Stage.open((latest) =>
    latest.includes('tool_result')
      ? [{ words: ['done'] }]
      : ['touch allowed', 'mkdir forbidden'].map((command) => ({ tool: 'Bash', input: { command } })),
  );
  await stage.start({ config: { allowed_tools: ['Bash(touch *)'] } });
  await stage.session.turn('try them');
  expect(readdirSync(stage.path('workspace'))).toEqual(['allowed']);
});

test('a resume without a transcript fails to start, in words', async () => {
  await using stage = await Stage.open();
  const wrapper = await stage.start({ resume: true });
  const { detail } = await stage.session.notice('start_failed');
  expect(detail).toContain(`No conversation found with session ID: ${stage.sessionId}`);
  expect(detail).toContain('exit code 1');
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(stage.session.items.at(-1)).toMatchObject({ notice: 'start_failed' });
});
