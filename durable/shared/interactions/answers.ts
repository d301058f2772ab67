import type {
  Answers,
  InteractionSubject,
  Question,
  Resolution,
  ResolveRequest,
} from '../../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';

/** The longest label in a list of answers, characters. */
const MAX_LABEL = 200;

type Answer = Answers[number];
type Fitted<T> = { readonly fits: T } | { readonly misfit: string };

/** Reads an answer to a question or permission. An unsuitable one is refused, and the refusal says what would be suitable. */
export function resolutionOf(
  subject: InteractionSubject,
  request: ResolveRequest,
): { resolution: Resolution } | Refusal {
  if (subject.kind === 'permission') return decide(subject.can_allow_session, request);
  const { questions } = subject;
  if (!('answer' in request)) return invalid('answer', `A question takes an "answer". ${howToAnswer(questions)}`);
  const given = split(questions, request.answer);
  if (given === null) return invalid('answer', howToAnswer(questions));
  const answers: Answer[] = [];
  for (const [index, question] of questions.entries()) {
    const fitted = fitOne(question, given[index] ?? '');
    if ('misfit' in fitted) return invalid(questions.length === 1 ? 'answer' : `answer.${index}`, fitted.misfit);
    answers.push(fitted.fits);
  }
  return { resolution: { kind: 'answers', answers } };
}

/** An answer as text. Several labels are joined. */
export function answerText(answer: Answer): string {
  return typeof answer === 'string' ? answer : answer.join(', ');
}

function decide(canAllowSession: boolean, request: ResolveRequest): { resolution: Resolution } | Refusal {
  const choices = canAllowSession ? '"allow", "allow_session" or "deny"' : '"allow" or "deny"';
  if (!('decision' in request)) return invalid('decision', `A permission takes a "decision": ${choices}.`);
  const { decision, message } = request;
  if (decision === 'allow_session' && !canAllowSession) {
    return invalid('decision', `This cannot be allowed for the whole session: send ${choices}.`);
  }
  return { resolution: { kind: 'decision', decision, message: message ?? null } };
}

/** One answer for each question; null: another number of answers. */
function split(questions: readonly Question[], answer: Answer | Answer[]): Answer[] | null {
  const single = questions.length === 1;
  if (typeof answer === 'string') return single ? [answer] : null;
  const labels = answer.flatMap((one) => (typeof one === 'string' ? [one] : []));
  // For a single question, a list of texts is a list of labels.
  if (single && labels.length === answer.length) return [labels];
  return answer.length === questions.length ? [...answer] : null;
}

function fitOne(question: Question, given: Answer): Fitted<Answer> {
  const { options, multi_select } = question;
  const texts = [...new Set(typeof given === 'string' ? [given] : given)];
  const [text] = texts;
  const blank = texts.some((one) => one.trim() === '');
  if (text === undefined || blank || (texts.length > 1 && !multi_select)) return { misfit: howToAnswerOne(question) };
  const labels = new Set(options.map(({ label }) => label));
  const isFree = options.length === 0 || question.free_text;
  if (!isFree && !texts.every((one) => labels.has(one))) return { misfit: howToAnswerOne(question) };
  if (!multi_select) return { fits: text };
  // A text on its own may be long. Next to labels it counts as a label.
  if (texts.length === 1 && typeof given === 'string' && !labels.has(text)) return { fits: text };
  const long = texts.some((one) => one.length > MAX_LABEL);
  return long ? { misfit: `In a list, each text has at most ${MAX_LABEL} characters.` } : { fits: texts };
}

function howToAnswer(questions: readonly Question[]): string {
  const [first] = questions;
  if (questions.length === 1 && first !== undefined) return howToAnswerOne(first);
  return `There are ${questions.length} questions: send an array with one answer for each, in their order.`;
}

function howToAnswerOne({ options, multi_select, free_text }: Question): string {
  if (options.length === 0) return 'Send a text that is not blank.';
  const labels = options.map(({ label }) => JSON.stringify(label)).join(', ');
  const which = multi_select ? 'an array of one or more of' : 'one of';
  return `Send ${which} ${labels}${free_text ? ', or any text that is not blank' : ''}.`;
}

function invalid(path: string, message: string): Refusal {
  return { refused: 'answer_invalid', detail: message, errors: [{ path, message }] };
}
