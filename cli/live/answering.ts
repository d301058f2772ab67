import type { Interaction, ResolveRequest } from '../../client/main.ts';
import { printable } from '../output/terminal.ts';
import { summariseTool } from '../output/summary.ts';

/** What is asked: a question or a permission. */
export type Asked = Pick<Interaction, 'interaction_id' | 'subject'>;
type Question = Extract<Interaction['subject'], { kind: 'question' }>['questions'][number];
/** A text, or labels of options. */
type Answer = string | string[];

/** What a person typed: the answer, or why it is none. */
export type Read =
  | { readonly answer: ResolveRequest }
  | { readonly more: readonly Answer[] }
  | { readonly invalid: string };

/** The lines that ask a person, of the question that is next, and do nothing else to the terminal. @param given answers to those before it */
export function questionLines(asked: Asked, given: readonly Answer[] = []): string[] {
  return linesOf(asked, given).map(printable);
}

function linesOf({ subject }: Asked, given: readonly Answer[]): string[] {
  if (subject.kind === 'permission') {
    const { tool_name, input, agent } = subject;
    const who =
      agent === null || agent === undefined
        ? 'The agent'
        : `The subagent ${agent.description ?? agent.type ?? agent.id}`;
    const shown = input === null ? '' : inputLines(input);
    return [`? ${who} asks: may it use ${summariseTool(tool_name, input ?? {})}`, ...(shown === '' ? [] : [shown])];
  }
  const question = subject.questions[given.length];
  if (question === undefined) return [];
  const { header, options } = question;
  return [
    `? ${header === undefined ? '' : `${header}: `}${question.question}`,
    ...options.map(
      ({ label, description }, index) =>
        `  ${index + 1}  ${label}${description === undefined ? '' : `  (${description})`}`,
    ),
  ];
}

/** What stands before the line in which a person answers. */
export function questionLabel({ subject }: Asked, given: readonly Answer[] = []): string {
  if (subject.kind === 'permission') return subject.can_allow_session ? 'y, n, or a (always) › ' : 'y or n › ';
  const question = subject.questions[given.length];
  if (question === undefined || question.options.length === 0) return 'answer › ';
  const choice = question.multi_select
    ? `1-${question.options.length}, several with commas`
    : `1-${question.options.length}`;
  return question.free_text ? `${choice}, or text › ` : `${choice} › `;
}

/** Reads what a person has typed as an answer. @param given answers to the questions before it, of the same interaction */
export function readAnswer({ subject }: Asked, text: string, given: readonly Answer[] = []): Read {
  const typed = text.trim();
  if (subject.kind === 'permission') return readDecision(typed, subject.can_allow_session);
  const question = subject.questions[given.length];
  if (question === undefined) return { invalid: 'nothing more is asked' };
  const read = readOne(question, typed);
  if (typeof read === 'object' && !Array.isArray(read)) return read;
  const all = [...given, read];
  if (all.length < subject.questions.length) return { more: all };
  const [only] = all;
  // One answer stands for itself; several are a list of them.
  return { answer: { answer: all.length === 1 && only !== undefined ? only : all } };
}

function readDecision(typed: string, canAlways: boolean): Read {
  const [word = '', ...rest] = typed.split(/\s+/);
  const message = rest.join(' ');
  switch (word.toLowerCase()) {
    case 'y':
    case 'yes':
    case 'allow':
      return { answer: { decision: 'allow' } };
    case 'a':
    case 'always':
      return canAlways
        ? { answer: { decision: 'allow_session' } }
        : { invalid: 'it can be allowed only each time: y or n' };
    case 'n':
    case 'no':
    case 'deny':
      return { answer: { decision: 'deny', ...(message !== '' && { message }) } };
    default:
      return {
        invalid: `type y (yes)${canAlways ? ', a (always in this session)' : ''} or n (no), with a reason if you like`,
      };
  }
}

function readOne(
  { options, multi_select: multi, free_text: free }: Question,
  typed: string,
): Answer | { invalid: string } {
  if (typed === '') return { invalid: 'the answer is empty' };
  const labelOf = (word: string) =>
    options[/^\d{1,2}$/.test(word) ? Number(word) - 1 : -1]?.label ??
    options.find(({ label }) => label.toLowerCase() === word.toLowerCase())?.label;
  if (options.length === 0) return typed;
  const whole = labelOf(typed);
  if (whole !== undefined) return multi ? [whole] : whole;
  const words = typed
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const labels = words.map(labelOf);
  const known = labels.filter((label) => label !== undefined);
  if (multi && known.length === labels.length && known.length > 0) return [...new Set(known)];
  if (free) return typed;
  return { invalid: `choose ${multi ? 'some' : 'one'} of 1 to ${options.length}` };
}

/** A tool's input as far as a person needs it to decide. */
function inputLines(input: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(input).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const [first = '', ...rest] = text.split('\n');
    return [`  ${name}: ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  const more = lines.length - MAX_INPUT_LINES;
  return [...lines.slice(0, MAX_INPUT_LINES), ...(more > 0 ? [`  … ${more} more lines`] : [])].join('\n');
}

const MAX_INPUT_LINES = 12;
