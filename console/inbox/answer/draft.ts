import type { Interaction, ResolveRequest } from '../../../client/main.ts';

export type Questions = Extract<Interaction['subject'], { kind: 'question' }>['questions'];
export type Question = Questions[number];

/** An answer that is being written: what is chosen and what is written of each question, and why something is denied. */
export interface Draft {
  readonly chosen: readonly (readonly string[])[];
  readonly texts: readonly string[];
  readonly reason: string;
}

export const EMPTY: Draft = { chosen: [], texts: [], reason: '' };

/** The most characters of a text beside options that are chosen (the API counts it as one of them). */
const MAX_BESIDE = 200;

/** Whether something has been written or chosen that would be a pity to lose. */
export const isBegun = ({ chosen, texts, reason }: Draft): boolean =>
  reason.trim() !== '' || chosen.some((labels) => labels.length > 0) || texts.some((text) => text.trim() !== '');

/** Whether a press on an option answers all that is asked. */
export const isOneTap = (questions: Questions): boolean =>
  questions.length === 1 && questions[0]?.multi_select === false && questions[0].options.length > 0;

/** An option is pressed: of several that may be chosen it is added or taken away, of one it takes the place of what was there. */
export function choose(draft: Draft, index: number, label: string, question: Question): Draft {
  const before = draft.chosen[index] ?? [];
  const isIn = before.includes(label);
  if (question.multi_select) {
    const labels = isIn ? before.filter((other) => other !== label) : [...before, label];
    return { ...draft, chosen: replaced(draft.chosen, index, labels, []) };
  }
  // Either an option or words of one's own.
  const texts = replaced(draft.texts, index, '', '');
  return { ...draft, texts, chosen: replaced(draft.chosen, index, isIn ? [] : [label], []) };
}

/** Something is written in place of an option, or beside options. */
export function write(draft: Draft, index: number, text: string, question: Question): Draft {
  const texts = replaced(draft.texts, index, text, '');
  if (question.multi_select || text.trim() === '') return { ...draft, texts };
  return { ...draft, texts, chosen: replaced(draft.chosen, index, [], []) };
}

function replaced<T>(list: readonly T[], index: number, value: T, filler: T): T[] {
  const length = Math.max(list.length, index + 1);
  return Array.from({ length }, (_, at) => (at === index ? value : (list[at] ?? filler)));
}

/** What is to be sent, or which question has no answer yet (by its place, from 0) and why. */
export type Request = { readonly request: ResolveRequest } | { readonly missing: number; readonly why: string };

/** The answer of a draft, as the API takes it (docs/people.md). */
export function requestOf(questions: Questions, draft: Draft): Request {
  const answers: (string | string[])[] = [];
  for (const [index, question] of questions.entries()) {
    const given = answerOf(question, draft.chosen[index] ?? [], (draft.texts[index] ?? '').trim());
    if (typeof given === 'object' && 'why' in given) return { missing: index, why: given.why };
    answers.push(given);
  }
  const [only] = answers;
  return { request: { answer: answers.length === 1 && only !== undefined ? only : answers } };
}

function answerOf(
  { multi_select, options }: Question,
  chosen: readonly string[],
  text: string,
): string | string[] | { readonly why: string } {
  if (!multi_select) return text || (chosen[0] ?? { why: options.length > 0 ? 'Choose one.' : 'Write an answer.' });
  if (chosen.length === 0) return text || { why: 'Choose at least one.' };
  if (text.length > MAX_BESIDE) return { why: `Beside what is chosen, write at most ${MAX_BESIDE} characters.` };
  return text === '' ? [...chosen] : [...chosen, text];
}
