import type { Answers, InteractionView, Question, ResolveRequest } from '../../../protocol/api/session/interaction.ts';
import { type Draft, isComplete, pagesOf, pageWith } from './components.ts';
import type { ComponentId } from './custom-id.ts';

/** What came with a press: the values of a menu, or the text of a modal. */
export interface Given {
  readonly values?: readonly string[];
  readonly text?: string | null;
}

/** What follows from a press of one of an interaction's components. */
export type Press =
  /** An answer, to be resolved like any other. */
  | { readonly press: 'resolve'; readonly request: ResolveRequest }
  /** Opens the modal for a question; `typed` is what was typed for it before. */
  | { readonly press: 'ask_text'; readonly question: Question; readonly index: number; readonly typed: string }
  /** One of several questions is answered, or another page is shown: the message has to be updated. */
  | { readonly press: 'draft'; readonly draft: Draft; readonly page: number }
  /** The interaction is closed. */
  | { readonly press: 'closed' }
  /** Not a component of this interaction. */
  | { readonly press: 'unknown' };

const UNKNOWN: Press = { press: 'unknown' };

/** @param draft the answers chosen before, if several questions are asked; [] if none */
export function press(view: InteractionView, draft: Draft, id: ComponentId, given: Given): Press {
  if (id.session_id !== view.session_id || id.interaction_id !== view.interaction_id) return UNKNOWN;
  if (view.state !== 'open') return { press: 'closed' };
  const { subject } = view;
  if (subject.kind === 'permission') {
    return id.kind === 'decision' ? { press: 'resolve', request: { decision: id.decision } } : UNKNOWN;
  }
  const { questions } = subject;
  switch (id.kind) {
    case 'decision':
      return UNKNOWN;
    case 'page':
      return id.page < pagesOf(questions.length)
        ? { press: 'draft', draft: whole(draft, questions), page: id.page }
        : UNKNOWN;
    case 'send':
      return send(questions, draft);
    case 'other': {
      const question = questions[id.question];
      if (question === undefined || (question.options.length > 0 && !question.free_text)) return UNKNOWN;
      const before = draft[id.question];
      const isOption = question.options.some(({ label }) => label === before);
      return {
        press: 'ask_text',
        question,
        index: id.question,
        typed: typeof before === 'string' && !isOption ? before : '',
      };
    }
    case 'option':
    case 'select':
    case 'text':
      break;
  }
  const question = questions[id.question];
  const answer = question === undefined ? null : answerOf(question, id, given);
  return answer === null ? UNKNOWN : answered(questions, draft, id.question, answer);
}

function answerOf(question: Question, id: ComponentId, { values = [], text = null }: Given): Answers[number] | null {
  if (id.kind === 'text') return text;
  const chosen = id.kind === 'option' ? [String(id.option)] : values;
  const labels = question.options.flatMap(({ label }, index) => (chosen.includes(String(index)) ? [label] : []));
  if (labels.length === 0 || labels.length !== chosen.length) return null;
  if (question.multi_select) return labels;
  return labels.length === 1 ? (labels[0] ?? null) : null;
}

function answered(questions: readonly Question[], draft: Draft, index: number, answer: Answers[number]): Press {
  if (questions.length === 1) return { press: 'resolve', request: { answer } };
  const next = whole(draft, questions).map((before, at) => (at === index ? answer : before));
  return { press: 'draft', draft: next, page: pageWith(questions.length, index) };
}

function send(questions: readonly Question[], draft: Draft): Press {
  if (questions.length === 1) return UNKNOWN;
  const answers = draft.flatMap((answer) => (answer === null ? [] : [answer]));
  if (isComplete(draft, questions)) return { press: 'resolve', request: { answer: answers } };
  const missing = questions.findIndex((_, index) => (draft[index] ?? null) === null);
  return { press: 'draft', draft: whole(draft, questions), page: pageWith(questions.length, missing) };
}

/** With one entry for each question. */
function whole(draft: Draft, questions: readonly Question[]): Draft {
  return questions.map((_, index) => draft[index] ?? null);
}
