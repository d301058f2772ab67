import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PermissionDecision, Resolution } from '../../../../protocol/api/session/interaction.ts';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';
import type { Block } from '../../../support/wrapper/scripted-model.ts';
import { results, sharing, using } from '../../../support/wrapper/tool-stage.ts';

const decide = (decision: PermissionDecision, message: string | null = null): Resolution => ({
  kind: 'decision',
  decision,
  message,
});

const bash = (command: string): Block => ({ tool: 'Bash', input: { command } });

const write = (file_path: string): Block => ({ tool: 'Write', input: { file_path, content: 'x' } });

const QUESTIONS = {
  questions: [
    {
      question: 'Which colour?',
      header: 'Colour',
      multiSelect: false,
      options: [
        { label: 'Red', description: 'As a rose' },
        { label: 'Blue', description: 'As the sea' },
      ],
    },
    {
      question: 'Which sizes?',
      header: 'Sizes',
      multiSelect: true,
      options: ['S', 'M', 'L'].map((label) => ({ label, description: label })),
    },
  ],
};

const share = sharing();

const made = (stage: Stage): string[] => readdirSync(stage.path('workspace')).toSorted();

test('what is allowed runs as it was asked for, what is denied does not, and the model is told why', async () => {
  const stage = await share(
    { permission_mode: 'ask' },
    [bash('mkdir one')],
    [bash('mkdir two')],
    [bash('mkdir three')],
  );
  const { session } = stage;
  const turn = session.turn('make them');
  const asked = await session.nth('asked', 0);
  expect(asked).toMatchObject({
    tool_use_id: expect.stringMatching(/^toolu_/),
    subject: { kind: 'permission', tool_name: 'Bash', input: { command: 'mkdir one' }, can_allow_session: true },
  });
  expect(made(stage)).toEqual([]);
  await session.resolve(0, decide('allow'));
  await session.resolve(1, decide('deny', 'Two is taken.'));
  await session.resolve(2, decide('deny'));
  expect(await turn).toMatchObject({ is_error: false, result: 'done' });
  expect(made(stage)).toEqual(['one']);
  expect(results(session)).toContain('Two is taken.');
  expect(results(session)).toContain('The user denied this. Do not try to get round it');
  // Neither Claude Code's requests nor the answers, which it repeats, are part of what was said.
  expect(session.lines.filter((line) => String(line['type']).startsWith('control_'))).toEqual([]);
});

test('what is allowed for the session is not asked again, and nothing of it is written to the repository', async () => {
  await using stage = await using([bash('mkdir one')], [bash('mkdir two')]);
  const { session } = stage;
  await stage.start({ config: { permission_mode: 'ask' } });
  const turn = session.turn('make them');
  await session.resolve(0, decide('allow_session'));
  await turn;
  expect(session.all('asked')).toHaveLength(1);
  expect(made(stage)).toEqual(['one', 'two']);
  expect(existsSync(stage.path('workspace/.claude'))).toBe(false);
});

test('what the session names runs unasked, and the star names nothing', async () => {
  await using stage = await using([bash('mkdir one')], [bash('touch two')]);
  const { session } = stage;
  await stage.start({ config: { permission_mode: 'ask', allowed_tools: ['*', 'Bash(mkdir *)'] } });
  const turn = session.turn('make them');
  expect(await session.resolve(0, decide('allow'))).toMatchObject({ subject: { input: { command: 'touch two' } } });
  await turn;
  expect(made(stage)).toEqual(['one', 'two']);
});

test('edits in the workspace go unasked where they are accepted, and other files and commands do not', async () => {
  const stage = await share({ permission_mode: 'accept_edits' });
  const { session } = stage;
  const outside = stage.path('outside.md');
  stage.calls = [[write(stage.path('workspace/inside.md'))], [write(outside)], [bash('git init sub')]];
  const turn = session.turn('write');
  await session.resolve(0, decide('deny'));
  await session.resolve(1, decide('deny'));
  await turn;
  expect(session.all('asked').map(({ subject }) => subject)).toMatchObject([
    { tool_name: 'Write', input: { file_path: outside } },
    { tool_name: 'Bash' },
  ]);
  expect(made(stage)).toEqual(['inside.md']);
});

test('bypass asks for leave for nothing: what Claude Code would ask about even so is denied', async () => {
  const dangerous = 'rm -rf /no-such-folder-of-cc-docker';
  const stage = await share(
    { permission_mode: 'bypass' },
    [bash('mkdir one'), write('.git/hooks/pre-commit'), bash(dangerous)],
    [{ tool: 'EnterPlanMode', input: {} }],
  );
  const { session } = stage;
  await session.turn('make it');
  expect(session.all('asked')).toEqual([]);
  expect(made(stage)).toEqual(['.git', 'one']);
  expect(results(session)).toContain('in this session nobody is asked for it');
  expect(results(session)).toContain('No such tool available: EnterPlanMode');
});

test('a question of the agent’s is asked in every mode, and its answers reach the model in their places', async () => {
  for (const permission_mode of ['bypass', 'ask', 'accept_edits', 'plan'] as const) {
    const { session } = await share({ permission_mode }, [{ tool: 'AskUserQuestion', input: QUESTIONS }]);
    const turn = session.turn('ask me');
    const asked = await session.resolve(0, { kind: 'answers', answers: ['a colour of my own', ['S', 'L']] });
    expect(asked.subject).toEqual({
      kind: 'question',
      questions: [
        {
          question: 'Which colour?',
          header: 'Colour',
          options: [
            { label: 'Red', description: 'As a rose' },
            { label: 'Blue', description: 'As the sea' },
          ],
          multi_select: false,
          free_text: true,
        },
        {
          question: 'Which sizes?',
          header: 'Sizes',
          options: ['S', 'M', 'L'].map((label) => ({ label, description: label })),
          multi_select: true,
          free_text: true,
        },
      ],
    });
    await turn;
    expect(results(session)).toContain(String.raw`\"Which colour?\"=\"a colour of my own\"`);
    expect(results(session)).toContain(String.raw`\"Which sizes?\"=\"S, L\"`);
    expect(session.all('asked')).toHaveLength(1);
  }
});

// After the questions in this mode: an approved plan ends it.
test('a plan is shown for approval, with nothing done before, and then each step is asked for', async () => {
  const stage = await share({ permission_mode: 'plan' });
  const { session } = stage;
  let call = 0;
  stage.follow = (_, all) => {
    const plan = /[^ "\\]*\/plans\/[^ "\\]+\.md/.exec(all)?.[0] ?? 'no plan file was named';
    call += 1;
    const calls: Block[][] = [
      [bash('mkdir early')],
      [{ tool: 'Write', input: { file_path: plan, content: 'First this, then that.' } }],
      [{ tool: 'ExitPlanMode', input: {} }],
      [bash('mkdir late')],
    ];
    return calls[call - 1] ?? [{ words: ['done'] }];
  };
  const turn = session.turn('plan and do');
  expect(await session.resolve(0, decide('deny'))).toMatchObject({ subject: { input: { command: 'mkdir early' } } });
  expect(await session.resolve(1, decide('allow'))).toMatchObject({
    subject: { tool_name: 'ExitPlanMode', input: { plan: 'First this, then that.' } },
  });
  expect(await session.resolve(2, decide('allow'))).toMatchObject({ subject: { input: { command: 'mkdir late' } } });
  await turn;
  expect(made(stage)).toEqual(['late']);
});

test('a question that is denied tells the model what it was denied with, and never resolves empty', async () => {
  const stage = await share(
    { permission_mode: 'bypass' },
    [{ tool: 'AskUserQuestion', input: QUESTIONS }],
    [{ tool: 'AskUserQuestion', input: QUESTIONS }],
  );
  const { session } = stage;
  const turn = session.turn('ask me');
  await session.resolve(0, decide('deny', 'Nobody answered in time.'));
  await session.resolve(1, decide('allow'));
  await turn;
  expect(results(session)).toContain('Nobody answered in time.');
  expect(results(session)).toContain('Go on with your best judgement');
  expect(results(session)).not.toContain('have been answered');
});

test('an interrupt withdraws what was asked, and a late answer to it changes nothing', async () => {
  const stage = await share(
    { permission_mode: 'ask' },
    [bash('mkdir one')],
    [{ tool: 'AskUserQuestion', input: QUESTIONS }],
  );
  const { session } = stage;
  for (const n of [0, 1]) {
    const message_id = session.prompt('go');
    const { interaction_id } = await session.nth('asked', n);
    session.order({ command: 'interrupt', message_id });
    expect(await session.nth('withdrawn', n)).toEqual({ notice: 'withdrawn', interaction_id });
    await session.until(() => session.lines.filter((line) => line['type'] === 'result')[n]);
    await session.resolve(n, decide('allow'));
  }
  expect(await session.turn('and now?')).toMatchObject({ is_error: false, result: 'done' });
  expect(made(stage)).toEqual([]);
});

test('an answer given while the link was broken is taken once when it is back', async () => {
  const stage = await share({ permission_mode: 'ask' }, [bash('mkdir one')]);
  const { session } = stage;
  session.withholdAcks = true;
  const turn = session.turn('go');
  await session.nth('asked', 0);
  session.breakLink();
  session.withholdAcks = false;
  await session.resolve(0, decide('allow'));
  expect(await turn).toMatchObject({ is_error: false, result: 'done' });
  expect(session.all('asked')).toHaveLength(1);
  expect(made(stage)).toEqual(['one']);
});

test('a stop while somebody is asked does not withdraw it: the answer still counts', async () => {
  await using stage = await using([bash('mkdir one')]);
  const { session } = stage;
  const wrapper = await stage.start({ config: { permission_mode: 'ask' } });
  session.prompt('go');
  await session.nth('asked', 0);
  wrapper.signal('SIGTERM');
  await wrapper.exit;
  expect(session.items.at(-1)).toMatchObject({ notice: 'exited' });
  expect(session.all('withdrawn')).toEqual([]);
});

test('a repository’s own settings allow nothing that a person is to decide on', async () => {
  await using stage = await using([bash('mkdir one')]);
  const { session } = stage;
  mkdirSync(stage.path('workspace/.claude'));
  writeFileSync(
    stage.path('workspace/.claude/settings.json'),
    JSON.stringify({ permissions: { allow: ['Bash', 'Bash(mkdir *)'], defaultMode: 'bypassPermissions' } }),
  );
  await stage.start({ config: { permission_mode: 'ask' } });
  const turn = session.turn('go');
  await session.resolve(0, decide('deny'));
  await turn;
  expect(made(stage)).toEqual(['.claude']);
});

test('what an option looks like is shown as the model wrote it, and the model reads which one was chosen', async () => {
  let told = '';
  const options = [
    { label: 'Red', description: 'warm', preview: '```css\ncolor: red;\n```' },
    { label: 'Blue', description: 'cool', preview: 'color: blue;' },
  ];
  const input = { questions: [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options }] };
  await using stage = await Stage.open((latest, _, tools, descriptions) => {
    if (tools.length === 0) return [{ words: ['aside'] }];
    told = descriptions['AskUserQuestion'] ?? '';
    return latest.includes('tool_result') ? [{ words: ['done'] }] : [{ tool: 'AskUserQuestion', input }];
  });
  const { session } = stage;
  // As the runner sets it.
  await stage.start({ env: { ...stage.claudeEnv(), CLAUDE_CODE_QUESTION_PREVIEW_FORMAT: 'markdown' } });
  const turn = session.turn('ask');
  const { subject } = await session.resolve(0, { kind: 'answers', answers: ['Blue'] });
  expect(subject).toMatchObject({ kind: 'question', questions: [{ options }] });
  await turn;
  expect(results(session)).toMatch(/Which colour\?.*=.*Blue.*selected preview.*color: blue;/);
  expect(told).toContain('Preview content is rendered as markdown');
});

test.each([true, false])(
  'a subagent’s permission says which agent asks (in the background: %s)',
  async (run_in_background) => {
    const agent = {
      description: 'make a folder',
      prompt: 'INNER',
      subagent_type: 'general-purpose',
      run_in_background,
    };
    const stage = await share({ permission_mode: 'ask' });
    const { session } = stage;
    stage.follow = (latest) => {
      if (latest.includes('tool_result') || latest.includes('task-notification')) return [{ words: ['done'] }];
      return latest.includes('INNER') ? [bash('mkdir inner')] : [{ tool: 'Agent', input: agent }, bash('mkdir outer')];
    };
    session.prompt('go');
    const agents = new Map<unknown, unknown>();
    for (const n of [0, 1]) {
      const { subject } = await session.resolve(n, decide('allow'));
      if (subject.kind === 'permission') agents.set(subject.input?.['command'], subject.agent);
    }
    const known = { id: expect.stringMatching(/./), type: 'general-purpose', description: 'make a folder' };
    expect(Object.fromEntries(agents)).toEqual({ 'mkdir inner': known, 'mkdir outer': null });
  },
);
