import { describe, expect, test } from 'vitest';
import type { Interaction } from '../../../../client/main.ts';
import { questionLabel, questionLines, readAnswer } from '../../../../cli/live/answering.ts';
import { answerOf } from '../../../../cli/verbs/people/answer.ts';

type Subject = Interaction['subject'];
type Question = Extract<Subject, { kind: 'question' }>['questions'][number];

const asked = (subject: Subject) => ({ interaction_id: 'i', subject });
const question = (...questions: Partial<Question>[]) =>
  asked({
    kind: 'question',
    questions: questions.map((each) => ({
      question: 'Which?',
      options: [],
      multi_select: false,
      free_text: false,
      ...each,
    })),
  });
const permission = (can_allow_session: boolean) =>
  asked({ kind: 'permission', tool_name: 'Bash', input: { command: 'rm -rf build\nls' }, can_allow_session });
const OPTIONS = [{ label: 'red' }, { label: 'blue, light' }];

describe('a permission', () => {
  test.each([
    ['y', { answer: { decision: 'allow' } }],
    ['Yes', { answer: { decision: 'allow' } }],
    ['a', { answer: { decision: 'allow_session' } }],
    ['n', { answer: { decision: 'deny' } }],
    ['no, not  that', { invalid: expect.any(String) }],
    ['n not that', { answer: { decision: 'deny', message: 'not that' } }],
    ['', { invalid: expect.any(String) }],
    ['maybe', { invalid: expect.any(String) }],
  ])('%j', (typed, read) => {
    expect(readAnswer(permission(true), typed)).toEqual(read);
  });

  test('is not given for the session where that has no effect', () => {
    expect(readAnswer(permission(false), 'a')).toEqual({ invalid: expect.stringContaining('y or n') });
    expect(questionLabel(permission(false))).toBe('y or n › ');
  });

  test('shows all that is to be run, without what would move the cursor', () => {
    const hidden = asked({
      kind: 'permission',
      tool_name: 'Bash',
      input: { command: 'ls\u001B[2K\rrm x' },
      can_allow_session: false,
    });
    expect(questionLines(permission(true)).join('\n')).toContain('rm -rf build');
    const shown = questionLines(hidden).join('\n');
    for (const control of ['\u001B', '\r']) expect(shown).not.toContain(control);
  });
});

describe('a question', () => {
  test.each([
    [{ options: OPTIONS }, '1', { answer: { answer: 'red' } }],
    [{ options: OPTIONS }, 'RED', { answer: { answer: 'red' } }],
    [{ options: OPTIONS }, 'blue, light', { answer: { answer: 'blue, light' } }],
    [{ options: OPTIONS }, '3', { invalid: expect.any(String) }],
    [{ options: OPTIONS }, 'green', { invalid: expect.any(String) }],
    [{ options: OPTIONS, free_text: true }, 'green', { answer: { answer: 'green' } }],
    [{ options: OPTIONS, multi_select: true }, '2,1', { answer: { answer: ['blue, light', 'red'] } }],
    [{ options: OPTIONS, multi_select: true }, '1, 1', { answer: { answer: ['red'] } }],
    [{ options: OPTIONS, multi_select: true }, '1, green', { invalid: expect.any(String) }],
    [{}, ' any words ', { answer: { answer: 'any words' } }],
    [{}, '  ', { invalid: expect.any(String) }],
  ])('%j answered with %j', (made, typed, read) => {
    expect(readAnswer(question(made), typed)).toEqual(read);
  });

  test('of several parts takes one answer after the other', () => {
    const two = question({ options: OPTIONS }, { multi_select: true, options: OPTIONS });
    expect(readAnswer(two, '1')).toEqual({ more: ['red'] });
    expect(readAnswer(two, '2', ['red'])).toEqual({ answer: { answer: ['red', ['blue, light']] } });
    expect(answerOf(two, ['red', '1,2'])).toEqual({ answer: ['red', ['red', 'blue, light']] });
    expect(() => answerOf(two, ['red'])).toThrow('It asks 2 questions');
  });

  test('of one part takes all words as its answer', () => {
    expect(answerOf(question({}), ['do', 'it'])).toEqual({ answer: 'do it' });
    expect(() => answerOf(permission(true), ['yes'])).toThrow('It is a permission');
  });
});
