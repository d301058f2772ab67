import { expect, test } from 'vitest';
import {
  choose,
  EMPTY,
  isBegun,
  isOneTap,
  requestOf,
  write,
  type Question,
} from '../../../../console/inbox/answer/draft.ts';

const question = (more: Partial<Question> = {}): Question => ({
  question: 'Which colour?',
  options: [{ label: 'red' }, { label: 'teal' }],
  multi_select: false,
  free_text: true,
  ...more,
});
const ONE = question();
const SEVERAL = question({ multi_select: true });
const WORDS = question({ options: [] });

test('one tap answers a single question of which one option is to be chosen', () => {
  expect(isOneTap([ONE])).toBe(true);
  expect(isOneTap([SEVERAL])).toBe(false);
  expect(isOneTap([WORDS])).toBe(false);
  expect(isOneTap([ONE, ONE])).toBe(false);
});

test('an option takes the place of another, and of words', () => {
  const written = write(EMPTY, 0, 'something else', ONE);
  expect(requestOf([ONE], written)).toEqual({ request: { answer: 'something else' } });
  const chosen = choose(choose(written, 0, 'red', ONE), 0, 'teal', ONE);
  expect(requestOf([ONE], chosen)).toEqual({ request: { answer: 'teal' } });
  expect(requestOf([ONE], write(chosen, 0, 'blue', ONE))).toEqual({ request: { answer: 'blue' } });
  expect(requestOf([ONE], choose(chosen, 0, 'teal', ONE))).toEqual({ missing: 0, why: 'Choose one.' });
});

test('several options are sent with the words beside them', () => {
  const chosen = choose(choose(EMPTY, 0, 'red', SEVERAL), 0, 'teal', SEVERAL);
  expect(requestOf([SEVERAL], chosen)).toEqual({ request: { answer: ['red', 'teal'] } });
  expect(requestOf([SEVERAL], write(chosen, 0, ' and blue ', SEVERAL))).toEqual({
    request: { answer: ['red', 'teal', 'and blue'] },
  });
  expect(requestOf([SEVERAL], choose(chosen, 0, 'red', SEVERAL))).toEqual({ request: { answer: ['teal'] } });
  expect(requestOf([SEVERAL], write(chosen, 0, 'x'.repeat(201), SEVERAL))).toMatchObject({ missing: 0 });
  expect(requestOf([SEVERAL], write(EMPTY, 0, 'x'.repeat(201), SEVERAL))).toEqual({
    request: { answer: 'x'.repeat(201) },
  });
});

test('several questions have an answer each, and the first without one is named', () => {
  const questions = [SEVERAL, ONE, WORDS];
  const first = choose(EMPTY, 0, 'red', SEVERAL);
  expect(requestOf(questions, first)).toEqual({ missing: 1, why: 'Choose one.' });
  const second = choose(first, 1, 'teal', ONE);
  expect(requestOf(questions, second)).toEqual({ missing: 2, why: 'Write an answer.' });
  expect(requestOf(questions, write(second, 2, 'soon', WORDS))).toEqual({
    request: { answer: [['red'], 'teal', 'soon'] },
  });
});

test('a draft is begun once something is chosen or written', () => {
  expect(isBegun(EMPTY)).toBe(false);
  expect(isBegun(write(EMPTY, 1, '  ', ONE))).toBe(false);
  expect(isBegun(choose(EMPTY, 1, 'red', ONE))).toBe(true);
  expect(isBegun({ ...EMPTY, reason: 'no' })).toBe(true);
});
