import { expect, test } from 'vitest';
import { EMPTY, problemsOf, requestOf, titleOf, type Form } from '../../../../console/sessions/new/form.ts';
import { createSessionRequest } from '../../../../protocol/api/session/session.ts';

const form = (more: Partial<Form>): Form => ({ ...EMPTY, prompt: 'Do it', ...more });

test('what is left empty is left to the service', () => {
  expect(requestOf(form({}))).toEqual({
    request: { workspace: { type: 'ephemeral' }, config: { permission_mode: 'ask' } },
  });
});

test('all that is filled in is asked for, as the API takes it', () => {
  const asked = requestOf(
    form({
      environment: 'python',
      model: ' sonnet ',
      mode: 'plan',
      budget: '2,50',
      files: 'kept',
      workspaceId: 'site',
      repo: 'me/site',
      branch: 'next',
      presets: 'packages, github',
      hosts: 'docs.example.org',
      secrets: 'npm github',
      instructions: 'Be brief.',
      maxTurns: '20',
      lifeMinutes: '90',
      idleMinutes: '0.5',
      answerMinutes: '10',
    }),
  );
  expect(asked).toEqual({
    request: {
      workspace: { type: 'persistent', id: 'site', git_repo: 'me/site', git_branch: 'next' },
      config: {
        environment: 'python',
        model: 'sonnet',
        permission_mode: 'plan',
        budget_usd: 2.5,
        max_turns: 20,
        timeout_seconds: 5400,
        idle_timeout_seconds: 30,
        interaction_timeout_seconds: 600,
        system_prompt: 'Be brief.',
        secrets: ['npm', 'github'],
        network: { presets: ['packages', 'github'], allow: ['docs.example.org'] },
      },
    },
  });
  expect(createSessionRequest.safeParse('request' in asked ? asked.request : null).success).toBe(true);
});

test('what cannot be is said beside its field, before anything is sent', () => {
  expect(requestOf(form({ prompt: ' ', budget: 'much', maxTurns: '-1', files: 'copy' }))).toEqual({
    problems: {
      fields: {
        prompt: 'Say what it should do.',
        budget: 'Write a number above 0.',
        maxTurns: 'Write a number above 0.',
        workspaceId: 'Name the workspace to copy.',
      },
      rest: [],
    },
  });
});

test('what the service refuses is said beside the field that it is about', () => {
  const errors = [
    { path: 'workspace.git_repo', message: 'must name a repository' },
    { path: 'config.network.presets.0', message: 'must be the name of a preset' },
    { path: 'config.skills', message: 'must be few' },
  ];
  expect(problemsOf({ detail: 'all of it', errors })).toEqual({
    fields: { repo: 'It must name a repository.', presets: 'It must be the name of a preset.' },
    rest: ['config.skills: must be few'],
  });
  expect(problemsOf({ detail: 'Too many sessions.', errors: undefined })).toEqual({
    fields: {},
    rest: ['Too many sessions.'],
  });
});

test('without a title, the first line of the prompt is one', () => {
  expect(titleOf({ title: ' Mine ', prompt: 'x' })).toBe('Mine');
  expect(titleOf({ title: '', prompt: '\n Fix it\nand more' })).toBe('Fix it');
  const long = titleOf({ title: '', prompt: 'word '.repeat(40) });
  expect(long).toBe(`${'word '.repeat(15)}word…`);
});
