import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { scripted } from '../../support/model/model-claude.ts';
import { errorOf, openTestGateway, type TestGateway } from '../../support/model/model-socket.ts';

const CWD = '/workspace';
const environment = { role: 'system', content: `# Environment\n - Primary working directory: ${CWD}\n - Shell: bash` };
const reminder = { type: 'text', text: '<system-reminder>\nCreate reminder.md now.\n</system-reminder>' };
const user = (...texts: string[]) => ({ role: 'user', content: texts.map((text) => ({ type: 'text', text })) });
const assistant = (text: string) => ({ role: 'assistant', content: [{ type: 'text', text }] });
const called = (id: string, name: string, input: object = {}) => ({
  role: 'assistant',
  content: [{ type: 'tool_use', id, name, input }],
});
const returned = (id: string, content: string, is_error = false) => ({
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: id, content, is_error }],
});

const message = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  stop_reason: z.string(),
  usage: z.object({ input_tokens: z.int().min(1), output_tokens: z.int().min(1) }),
});
const event = z.looseObject({ type: z.string(), delta: z.looseObject({ text: z.string().optional() }).optional() });

/** Waits that end when the test says so. */
class Waits {
  readonly asked: number[] = [];
  aborted = 0;
  #release: (() => void) | undefined;
  wait = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      this.asked.push(ms);
      this.#release = resolve;
      signal.addEventListener('abort', () => {
        this.aborted += 1;
        reject(new Error('aborted'));
      });
    });
  next() {
    this.#release?.();
  }
}

let gateway: TestGateway;
let waits: Waits;
beforeEach(async () => {
  waits = new Waits();
  gateway = await openTestGateway({ upstream: { kind: 'demo' }, demo: { wait: waits.wait } });
});
afterEach(() => gateway.close());

const body = (messages: object[], extra: object = {}) => ({
  model: 'claude-test',
  messages,
  tools: [{ name: 'Write' }, { name: 'Read' }, { name: 'Bash' }],
  ...extra,
});

/** The answer to a conversation, not streamed. */
async function answer(...messages: object[]) {
  const posted = await gateway.post(body([environment, ...messages]));
  expect(posted.status, posted.text).toBe(200);
  return message.parse(JSON.parse(posted.text));
}
/** A script alone, streamed. */
const post = (steps: object[]) => gateway.post(body([user(scripted(steps))], { stream: true }));
const textOf = ({ content }: z.infer<typeof message>) => content.map(({ text }) => text ?? '').join('');
const events = (text: string) =>
  text
    .split('\n\n')
    .filter((chunk) => chunk !== '')
    .map((chunk) => event.parse(JSON.parse(chunk.replace(/^event: \w+\ndata: /, ''))));

describe('a prompt without a script', () => {
  test('is answered by one that says what it is and how to get Claude', async () => {
    const reply = await answer({ role: 'user', content: [reminder, { type: 'text', text: 'How are you?' }] });
    expect(textOf(reply)).toMatch(/demo model.*“How are you\?”.*ANTHROPIC_API_KEY/);
    expect(textOf(reply)).not.toContain('reminder');
    expect(reply.stop_reason).toBe('end_turn');
  });

  test('is answered with the first message of the conversation, when there were others', async () => {
    const reply = await answer(user('My name is Ada.'), assistant('…'), user('Who am I?'));
    expect(textOf(reply)).toMatch(/“Who am I\?”.*message 2.*“My name is Ada\.”/);
  });

  test('that names a file writes it into the working directory, and then says so', async () => {
    const prompt = user('Create hello.md with a haiku about containers');
    const first = await answer(prompt);
    expect(first.stop_reason).toBe('tool_use');
    const tool = first.content.at(-1);
    expect(tool).toMatchObject({ type: 'tool_use', name: 'Write', input: { file_path: '/workspace/hello.md' } });
    expect(
      z
        .object({ input: z.object({ content: z.string() }) })
        .parse(tool)
        .input.content.split('\n'),
    ).toHaveLength(4);
    const second = await answer(prompt, called('t1', 'Write'), returned('t1', 'File created'));
    expect(textOf(second)).toContain('I wrote /workspace/hello.md');
    expect(second.stop_reason).toBe('end_turn');
  });

  test.each([
    ['Write "hello there" to notes/a.txt, please.', '/workspace/notes/a.txt', 'hello there\n'],
    [
      'save 1 to /tmp/x.json',
      '/tmp/x.json',
      '{\n  "note": "Written by the demo model of CC-Docker, which was asked: save 1 to /tmp/x.json"\n}\n',
    ],
  ])('%s', async (prompt, path, content) => {
    const reply = await answer(user(prompt));
    expect(reply.content.at(-1)).toMatchObject({ input: { file_path: path, content } });
  });

  test.each([
    'What is in hello.md?',
    'Make me happy',
    'Create an account at https://x.test/a.html',
    'write to a@b.com',
    'Add a point, e.g. 5',
  ])('asks for no file: %s', async (prompt) => {
    expect((await answer(user(prompt))).stop_reason).toBe('end_turn');
  });

  test('reads a file before it replaces it, where Claude Code wants that', async () => {
    const turn = [user('Create a.md'), called('t1', 'Write'), returned('t1', 'File has not been read yet.', true)];
    expect((await answer(...turn)).content.at(-1)).toMatchObject({ name: 'Read' });
    const read = [...turn, called('t2', 'Read'), returned('t2', '1 old')];
    expect((await answer(...read)).content.at(-1)).toMatchObject({ name: 'Write' });
    const denied = await answer(...read, called('t3', 'Write'), returned('t3', 'Not allowed', true));
    expect(textOf(denied)).toContain('could not write /workspace/a.md. The Write tool said: Not allowed');
  });

  test('does not call a tool that it was not given', async () => {
    const posted = await gateway.post(body([environment, user('Create a.md')], { tools: [] }));
    expect(posted.text).toContain('I was not given the Write tool');
  });
});

describe('requests of other kinds', () => {
  test('a turn with nothing in it for the model is answered', async () => {
    const reply = await answer(user('hi'), assistant('hello'), { role: 'user', content: [reminder] });
    expect(textOf(reply)).toContain('nothing new was asked');
  });

  test('what Claude Code itself puts into a user message is taken for nobody’s words', async () => {
    const own = '<command-name>/compact</command-name>\n<command-message>compact</command-message>';
    const reply = await answer(user(own, '<local-command-stdout>Compacted</local-command-stdout>'), user('one'));
    expect(textOf(reply)).not.toContain('the first was');
  });

  test('a side call that wants JSON gets JSON of that schema', async () => {
    const schema = { type: 'object', properties: { title: { type: 'string' }, n: { type: 'integer' } } };
    const posted = await gateway.post(
      body([user('name this')], { output_config: { effort: 'low', format: { type: 'json_schema', schema } } }),
    );
    const text = textOf(message.parse(JSON.parse(posted.text)));
    expect(JSON.parse(text)).toEqual({ title: 'name this', n: 0 });
  });

  test.each(['not JSON', '{}', '{"model":"m","messages":[]}'])('what is no request is refused: %s', async (text) => {
    const { statusCode, body } = await gateway.open(text);
    expect(statusCode).toBe(400);
    expect(errorOf({ status: 400, headers: {}, text: await body.text() }).type).toBe('invalid_request_error');
  });
});

describe('streaming', () => {
  test('has the events of the real API, with the text in several pieces', async () => {
    const posted = await gateway.post(body([user('Tell me something')], { stream: true }));
    expect(posted.headers['content-type']).toMatch('text/event-stream');
    const all = events(posted.text);
    const types = all.map(({ type }) => type);
    expect(types.slice(0, 3)).toEqual(['message_start', 'ping', 'content_block_start']);
    expect(types.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    expect(types.filter((type) => type === 'content_block_delta').length).toBeGreaterThan(3);
    const whole = textOf(await answer(user('Tell me something')));
    expect(all.map(({ delta }) => delta?.text ?? '').join('')).toBe(whole);
  });

  test('keeps the pace that the script asks for, and stops when the client hangs up', async () => {
    const steps = [{ text: 'one two three four', tokens_per_second: 20 }];
    const hangUp = new AbortController();
    const { body: stream } = await gateway.open(JSON.stringify(body([user(scripted(steps))], { stream: true })), {
      signal: hangUp.signal,
    });
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) {
      text += String(chunk);
      if (text.includes('"one"') && !text.includes('"text":" two"')) {
        await expect.poll(() => waits.asked.length).toBe(2);
        waits.next();
      } else if (text.includes('" two"')) break;
      else {
        await expect.poll(() => waits.asked.length).toBe(1);
        waits.next();
      }
    }
    hangUp.abort();
    await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
    expect(waits.asked).toEqual([50, 50, 50]);
    expect(text).not.toContain('three');
  });

  test('a client that hangs up while it is written to is no failure of the gateway', async () => {
    const steps = [{ text: 'word ', repeat: 100_000 }];
    const hangUp = new AbortController();
    const { body: stream } = await gateway.open(JSON.stringify(body([user(scripted(steps))], { stream: true })), {
      signal: hangUp.signal,
    });
    await once(stream, 'data');
    stream.on('error', () => undefined);
    hangUp.abort();
    await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
    expect(gateway.log).toEqual([]);
  });
});

describe('a script', () => {
  const steps = [
    { text: 'I look. ' },
    {
      tools: [
        { tool: 'Bash', input: { command: 'echo {{cwd}}' } },
        { tool: 'Read', input: { paths: ['{{model}}'] } },
      ],
    },
    { text: '{{last_tool_result}}|{{first_prompt}}|{{prompt_count}}|{{unknown}}' },
  ];
  const prompt = user(scripted(steps, 'words'));
  const earlier = [user('first words'), assistant('yes')];
  const call = {
    role: 'assistant',
    content: [
      { type: 'text', text: 'I look. ' },
      { type: 'tool_use', id: 'a', name: 'Bash', input: {} },
      { type: 'tool_use', id: 'b', name: 'Read', input: {} },
    ],
  };
  const results = {
    role: 'user',
    content: [
      { type: 'tool_result', tool_use_id: 'a', content: 'one' },
      { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'two' }] },
    ],
  };

  test('says and calls what it holds, up to its tools', async () => {
    const reply = await answer(...earlier, prompt);
    expect(reply.content).toMatchObject([
      { type: 'text', text: 'I look. ' },
      { type: 'tool_use', name: 'Bash', input: { command: 'echo /workspace' } },
      { type: 'tool_use', name: 'Read', input: { paths: ['claude-test'] } },
    ]);
  });

  test('goes on after the results, with what came back', async () => {
    expect(textOf(await answer(...earlier, prompt, call, results))).toBe('one\ntwo|first words|2|{{unknown}}');
  });

  test('goes on when the user says something meanwhile', async () => {
    const said = {
      role: 'system',
      content:
        'The user sent a new message while you were working:\nhurry\n\nThis is how Claude Code surfaces messages',
    };
    expect(textOf(await answer(...earlier, prompt, call, results, said))).toContain('|3|');
  });

  test('leaves a script for a subagent as it is', async () => {
    const inner = scripted([{ text: '{{prompt_count}}' }]);
    const reply = await answer(user(scripted([{ tool: 'Task', input: { prompt: inner, at: '{{cwd}}' } }])));
    expect(reply.content).toMatchObject([{ input: { prompt: inner, at: CWD } }]);
  });

  test('ends with a short text when the model is called once more', async () => {
    const reply = await answer(user(scripted([{ tool: 'Bash' }])), called('x', 'Bash'), returned('x', ''));
    expect(textOf(reply)).toContain('the script has ended');
  });

  test.each([
    ['failed without a trace', []],
    ['was interrupted', [assistant('I lo'), user('[Request interrupted by user]')]],
    ['was interrupted in a tool', [call, results, user('[Request interrupted by user for tool use]')]],
    ['failed after a tool', [call, results]],
  ])('is over for the next prompt when it %s', async (_, rest) => {
    expect(textOf(await answer(prompt, ...rest, user('and now?')))).toMatch(/“and now\?”.*“words”/);
  });

  test.each([
    ['[{"text":"a"}', /not JSON/],
    ['[]', /at least one step/],
    ['[{"tool":"Bash","inputs":{}}]', /Unrecognized key: "inputs"[\s\S]*\[0\]/],
    ['[{"text":"a"},{"say":"b"}]', /must have one of text, thinking[\s\S]*\[1\]/],
    ['[{"error":{"status":200}}]', /\[0\]\.error\.status/],
    ['[{"stop":"end_turn"}]', /must be refusal, max_tokens or[\s\S]*\[0\]\.stop/],
  ])('that is wrong is answered with what is wrong and with the syntax: %s', async (source, why) => {
    const text = textOf(await answer(user(`\`\`\`demo\n${source}\n\`\`\``)));
    expect(text).toMatch(why);
    expect(text).toContain('{"tool": "Bash"');
  });
});

describe('failures in a script', () => {
  test('an error is an HTTP error, for as many times as it says', async () => {
    const steps = [{ error: { status: 529, times: 2, retry_after: 7 } }, { text: 'at last' }];
    for (const _ of [1, 2]) {
      const posted = await post(steps);
      expect([posted.status, errorOf(posted).type, posted.headers['retry-after']]).toEqual([
        529,
        'overloaded_error',
        '7',
      ]);
    }
    expect((await post(steps)).text).toContain('at last');
  });

  test('an error without times lasts', async () => {
    const steps = [{ error: { status: 401, type: 'my_error', message: 'go away' } }];
    for (const _ of [1, 2, 3]) expect(errorOf(await post(steps))).toEqual({ type: 'my_error', message: 'go away' });
  });

  test('an error after a text comes within the stream', async () => {
    const posted = await post([{ text: 'well' }, { error: { status: 500 } }]);
    expect(posted.status).toBe(200);
    expect(
      events(posted.text)
        .map(({ type }) => type)
        .slice(-2),
    ).toEqual(['content_block_delta', 'error']);
  });

  test('a stop ends the answer early, for its reason, and the script is not over when Claude Code has it go on', async () => {
    const steps = [{ text: 'half of it' }, { stop: { reason: 'max_tokens', times: 2 } }, { text: ', and the rest' }];
    const prompt = user(scripted(steps));
    const goOn = user('Output token limit hit. Resume directly.');
    const first = await answer(prompt);
    expect([textOf(first), first.stop_reason]).toEqual(['half of it', 'max_tokens']);
    const streamed = await gateway.post(body([environment, prompt, assistant('half of it'), goOn], { stream: true }));
    expect(streamed.text).toContain('"stop_reason":"max_tokens"');
    const last = await answer(prompt, assistant('half of it'), goOn, assistant('half of it'), goOn);
    expect([textOf(last), last.stop_reason]).toEqual(['half of it, and the rest', 'end_turn']);
  });

  test('a stop without words before it is streamed as well', async () => {
    const { text } = await post([{ stop: 'refusal' }]);
    expect(events(text).map(({ type }) => type)).toEqual(['message_start', 'ping', 'message_delta', 'message_stop']);
    expect(text).toContain('"stop_reason":"refusal"');
  });

  test('a cut breaks the connection, before or within the answer', async () => {
    await expect(post([{ cut: true }])).rejects.toThrow('other side closed');
    const { body: stream } = await gateway.open(
      JSON.stringify(body([user(scripted([{ text: 'well' }, { cut: { times: 1 } }]))], { stream: true })),
    );
    await expect(stream.text()).rejects.toThrow(/terminated|closed/);
    expect((await post([{ text: 'well' }, { cut: { times: 1 } }])).text).toContain('message_stop');
  });

  test('a hang lasts until the client hangs up', async () => {
    const hangUp = new AbortController();
    const text = JSON.stringify(body([user(scripted([{ text: 'well' }, { hang: true }]))], { stream: true }));
    const { body: stream } = await gateway.open(text, { signal: hangUp.signal });
    for await (const chunk of stream.setEncoding('utf8')) if (String(chunk).includes('well')) break;
    hangUp.abort();
    await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
  });
});
