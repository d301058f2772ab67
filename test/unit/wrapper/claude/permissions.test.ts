import { expect, test } from 'vitest';
import { MAX_SHOWN_INPUT, type Resolution } from '../../../../protocol/api/session/interaction.ts';
import { wrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { type PermissionRequest, Permissions } from '../../../../wrapper/claude/permissions.ts';

const ID = '0190a0a0-0000-7000-8000-000000000000';
const allowSession: Resolution = { kind: 'decision', decision: 'allow_session', message: null };

function request(tool_name: string, input: Record<string, unknown>, permission_suggestions: object[] = []) {
  const subtype = 'can_use_tool';
  return {
    request_id: 'r1',
    request: { subtype, tool_name, input, permission_suggestions, tool_use_id: 'toolu_1' },
  } as PermissionRequest;
}

/** What is told of it, and what the resolution makes of it. */
function decided(asked: PermissionRequest, resolution: Resolution) {
  const permissions = new Permissions(true);
  const told = permissions.asked(asked, ID, null);
  return { told, answer: permissions.answer(ID, resolution)?.response.response };
}

test('allowed for the session, Claude Code’s suggestions come back for the session, wherever they were meant for', () => {
  const suggestions = [
    {
      type: 'addRules',
      rules: [{ toolName: 'Bash', ruleContent: 'ls' }],
      behavior: 'allow',
      destination: 'localSettings',
    },
    { type: 'setMode', mode: 'acceptEdits', destination: 'projectSettings' },
  ];
  const { told, answer } = decided(request('Bash', { command: 'ls' }, suggestions), allowSession);
  expect(told).toMatchObject({ subject: { can_allow_session: true } });
  expect(answer).toEqual({
    behavior: 'allow',
    updatedInput: { command: 'ls' },
    updatedPermissions: suggestions.map((each) => ({ ...each, destination: 'session' })),
  });
});

test('allowed for the session where nothing was suggested, it is allowed once', () => {
  const { told, answer } = decided(request('ExitPlanMode', {}), allowSession);
  expect(told).toMatchObject({ subject: { can_allow_session: false } });
  expect(answer).toEqual({ behavior: 'allow', updatedInput: {} });
});

test('an input that is too long is not shown, and allowed whole', () => {
  const input = { file_path: 'x', content: 'x'.repeat(MAX_SHOWN_INPUT) };
  const { told, answer } = decided(request('Write', input), { kind: 'decision', decision: 'allow', message: null });
  expect(told).toMatchObject({ subject: { tool_name: 'Write', input: null } });
  expect(answer).toEqual({ behavior: 'allow', updatedInput: input });
});

test('questions of any length can be carried, and are answered under the words that Claude Code knows', () => {
  const [question, label] = ['q'.repeat(9000), 'l'.repeat(300)];
  const input = {
    questions: [
      { question, header: 'h'.repeat(99), options: [{ label, description: 'd'.repeat(3000) }], multiSelect: true },
    ],
  };
  const { told, answer } = decided(request('AskUserQuestion', input), {
    kind: 'answers',
    answers: [[label.slice(0, 200), 'other']],
  });
  expect(wrapperNotice.parse(told)).toEqual(told);
  expect(answer).toEqual({ behavior: 'allow', updatedInput: { ...input, answers: { [question]: `${label}, other` } } });
});

test.each<[string, Resolution]>([
  ['an answer too few', { kind: 'answers', answers: ['A'] }],
  ['leave without an answer', { kind: 'decision', decision: 'allow', message: null }],
])('%s never resolves a question', (_, resolution) => {
  const options = [{ label: 'A' }, { label: 'B' }];
  const questions = ['one?', 'two?'].map((question) => ({ question, options, multiSelect: false }));
  expect(decided(request('AskUserQuestion', { questions }), resolution).answer).toMatchObject({ behavior: 'deny' });
});

test('what an option looks like is shown, and comes back with the answer when it alone was chosen', () => {
  const [red, blue] = [
    { label: 'Red', description: 'warm', preview: '# red' },
    { label: 'Blue', preview: 'b'.repeat(9000) },
  ];
  const one = { question: 'Which?', options: [red, blue], multiSelect: false };
  const many = { question: 'Which of them?', options: [red, { label: 'None' }], multiSelect: true };
  const input = { questions: [one, many] };
  const answersOf = (answers: (string | string[])[]) =>
    decided(request('AskUserQuestion', input), { kind: 'answers', answers });
  const { told, answer } = answersOf(['Blue', ['Red', 'None']]);
  expect(wrapperNotice.parse(told)).toMatchObject({
    subject: { questions: [{ options: [red, { label: 'Blue', preview: 'b'.repeat(8000) }] }, { options: [red, {}] }] },
  });
  expect(answer).toMatchObject({ updatedInput: { annotations: { 'Which?': { preview: blue.preview } } } });
  expect(answersOf(['Green', 'Red']).answer).toMatchObject({
    updatedInput: { annotations: { 'Which of them?': { preview: '# red' } } },
  });
  expect(answersOf(['Green', 'None']).answer).toEqual({
    behavior: 'allow',
    updatedInput: { ...input, answers: { 'Which?': 'Green', 'Which of them?': 'None' } },
  });
});

test('a permission says which agent asks', () => {
  const agent = { id: 'a1', type: 'Explore', description: 'find it' };
  const ask = (of: typeof agent | null) => new Permissions(true).asked(request('Bash', {}), ID, of);
  expect(wrapperNotice.parse(ask(agent))).toMatchObject({ subject: { kind: 'permission', agent } });
  expect(wrapperNotice.parse(ask(null))).toMatchObject({ subject: { kind: 'permission', agent: null } });
});

test('an answer is no leave', () => {
  const { answer } = decided(request('Bash', { command: 'ls' }), { kind: 'answers', answers: ['yes'] });
  expect(answer).toMatchObject({ behavior: 'deny' });
});

test('questions that cannot be read are sent back at once', () => {
  const sent = new Permissions(true).asked(request('AskUserQuestion', { questions: [] }), ID, null);
  expect(sent).toMatchObject({ type: 'control_response', response: { response: { behavior: 'deny' } } });
});

test('what was taken back is told once, and takes no answer', () => {
  const permissions = new Permissions(true);
  permissions.asked(request('Bash', { command: 'ls' }), ID, null);
  expect(permissions.cancelled('r2')).toBeNull();
  expect(permissions.cancelled('r1')).toEqual({ notice: 'withdrawn', interaction_id: ID });
  expect(permissions.cancelled('r1')).toBeNull();
  expect(permissions.answer(ID, allowSession)).toBeNull();
});
