import type {
  InteractionSubject,
  InteractionView,
  WaitingInteraction,
} from '../../../protocol/api/session/interaction.ts';

/** An interaction of a list, without what its session is called now: the directory knows that. */
export type ListedInteraction = Omit<WaitingInteraction, 'session'>;

/** Longest subject of an interaction in a list of all sessions, characters of JSON. What people answer from is far shorter. */
const MAX_LISTED = 16_384;

/**
 * An interaction as the list of all sessions has it. One that is long loses what is longest and least needed, until it is short enough:
 * a tool's input, previews of options, their descriptions. Questions and labels stay in any case; together they are 104,000
 * characters at most.
 */
export function listedInteraction(view: InteractionView): ListedInteraction {
  for (const subject of shorter(view.subject)) {
    const shortened = subject !== view.subject;
    if (JSON.stringify(subject).length <= MAX_LISTED) return { ...view, subject, shortened };
  }
  return { ...view, subject: withOptions(view.subject, ({ label }) => ({ label })), shortened: true };
}

/** The subject, and then the same with less in it. */
function* shorter(subject: InteractionSubject): Generator<InteractionSubject> {
  yield subject;
  if (subject.kind === 'permission') yield { ...subject, input: null };
  yield withOptions(subject, ({ label, description }) => ({
    label,
    ...(description !== undefined && { description }),
  }));
}

type Option = Extract<InteractionSubject, { kind: 'question' }>['questions'][number]['options'][number];

function withOptions(subject: InteractionSubject, shorten: (option: Option) => Option): InteractionSubject {
  if (subject.kind === 'permission') return { ...subject, input: null };
  const questions = subject.questions.map((one) => ({ ...one, options: one.options.map((option) => shorten(option)) }));
  return { ...subject, questions };
}
