import {
  MAX_SHOWN_INPUT,
  type AskUserInput,
  type InteractionState,
  type InteractionSubject,
  type InteractionView,
  type Resolution,
  type ResolveRequest,
} from '../../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import { chosenAnswerers, isAsked, notAsked } from './answerers.ts';
import { answerText, resolutionOf } from './answers.ts';

/** A session may have so many open questions and permissions. */
export const MAX_OPEN = 64;

/**
 * Where the answer is on its way to the model, which gets it once:
 * - `none`: there is no answer yet;
 * - `ordered`: a command carries it to the `claude` that asked;
 * - `owed`: that `claude` is gone, so a message will carry it;
 * - `over`: nothing more has to be done.
 */
type AnswerDelivery = 'none' | 'ordered' | 'owed' | 'over';

/** A question or permission that people are asked. Plain data; times are epoch milliseconds. */
export interface Interaction {
  readonly interaction_id: string;
  /** Who waits for the answer: `claude` itself (for a permission, or its `AskUserQuestion`), or a call of the `ask_user` tool. */
  readonly of: 'claude' | 'tool';
  /** The epoch of the container that asked. */
  readonly epoch: number;
  readonly subject: InteractionSubject;
  readonly priority: InteractionView['priority'];
  readonly created: number;
  readonly deadline: number;
  readonly default: Resolution | null;
  /** Those of the session's people who are asked; null: all of them. */
  readonly answerers: readonly string[] | null;
  /** How many reminders there are between `created` and `deadline`, and how many of them are past. */
  readonly reminders: number;
  readonly reminded: number;
  readonly state: InteractionState;
  /** The `claude` that asked is gone: the answer becomes a message. */
  readonly detached: boolean;
  readonly resolved_at: number | null;
  readonly resolved_by: string | null;
  readonly resolution: Resolution | null;
  readonly answer: AnswerDelivery;
}

/** What the container asks. */
export type InteractionRequest =
  | { readonly of: 'claude'; readonly id: string; readonly subject: InteractionSubject }
  | { readonly of: 'tool'; readonly id: string; readonly input: AskUserInput };

/**
 * The rules of a session for its questions: how long one stays open (milliseconds), what happens to a permission that
 * nobody decides on, who may answer, and how often they are reminded.
 */
export interface InteractionLimits {
  readonly timeout: number;
  readonly longest: number;
  readonly permission_default: 'allow' | 'deny';
  readonly people: readonly string[];
  readonly reminders: number;
}

export interface InteractionContext {
  readonly epoch: number;
  readonly now: number;
  /** The `claude` that asks is connected and can be answered. */
  readonly attached: boolean;
  /** How many are open now. */
  readonly open: number;
  readonly limits: InteractionLimits;
}

/** An interaction after a change, and the command that tells the `claude` that asked. */
export interface Change {
  readonly interaction: Interaction;
  readonly order: WrapperCommand | null;
}

const UNANSWERED =
  'Nobody answered in time. Go on with your best judgement; if that is not possible, end your turn by saying what you would need to know.';
const UNDECIDED =
  'Nobody decided in time, so this is not allowed. Do not try to get round it: go on without it, or end your turn by saying what you need it for.';
const TOO_MANY = `${MAX_OPEN} questions and permissions wait for the user already, which is the most that there may be.`;
/** The largest subject as JSON, characters: the longest input that may be shown, and a tool's name. */
const MAX_SUBJECT = MAX_SHOWN_INPUT + 4096;
const TOO_LONG = `What the user is to be shown is too long: ask with fewer and shorter texts (${MAX_SHOWN_INPUT} characters in all).`;

/** The agent asks. The result is what people are asked, or the command that refuses it. */
export function open(
  ask: InteractionRequest,
  context: InteractionContext,
): { readonly opened: Interaction } | { readonly refused: WrapperCommand } {
  const subject = ask.of === 'claude' ? withinLimit(ask.subject) : subjectOf(ask.input);
  if (context.open >= MAX_OPEN) {
    return refused(ask, `${TOO_MANY} Go on without, and ask again once some of them have been answered.`);
  }
  if (jsonLength(subject) > MAX_SUBJECT) return refused(ask, TOO_LONG);
  const { now, limits, epoch, attached } = context;
  const asked = ask.of === 'tool' ? ask.input.timeout_seconds : undefined;
  const timeout = asked === undefined ? limits.timeout : asked * 1000;
  const fallback = defaultOf(ask, subject, limits);
  if (fallback !== null && 'misfit' in fallback) return refused(ask, fallback.misfit);
  const answerers = chosenAnswerers(ask.of === 'tool' ? ask.input.answerers : undefined, limits.people);
  if (answerers !== null && 'misfit' in answerers) return refused(ask, answerers.misfit);
  return {
    opened: {
      interaction_id: ask.id,
      of: ask.of,
      epoch,
      subject,
      priority: (ask.of === 'tool' ? ask.input.priority : undefined) ?? 'normal',
      created: now,
      deadline: now + Math.min(timeout, limits.longest),
      default: fallback,
      answerers,
      reminders: (ask.of === 'tool' ? ask.input.max_attempts : undefined) ?? limits.reminders,
      reminded: 0,
      state: 'open',
      detached: !attached,
      resolved_at: null,
      resolved_by: null,
      resolution: null,
      answer: 'none',
    },
  };
}

/** A person answers. The first answer wins; the same answer again changes nothing. */
export function resolve(
  interaction: Interaction,
  request: ResolveRequest,
  by: string,
  now: number,
): Change | { readonly same: true } | Refusal {
  if (!isAsked(interaction, by)) return notAsked(interaction);
  const fitted = resolutionOf(interaction.subject, request);
  if ('refused' in fitted) return fitted;
  const { resolution } = fitted;
  if (interaction.state === 'open') {
    return close(interaction, { state: 'resolved', resolved_at: now, resolved_by: by, resolution });
  }
  const same =
    interaction.state === 'resolved' && JSON.stringify(interaction.resolution) === JSON.stringify(resolution);
  return same ? { same: true } : { refused: 'interaction_closed', detail: closedDetail(interaction) };
}

/** Applies the default once the deadline has passed. Null: it has not passed, or the interaction is closed. */
export function expire(interaction: Interaction, now: number): Change | null {
  if (interaction.state !== 'open' || now < interaction.deadline) return null;
  const { default: fallback } = interaction;
  const denied = fallback?.kind === 'decision' && fallback.decision === 'deny';
  const resolution = denied ? { ...fallback, message: UNDECIDED } : fallback;
  return close(interaction, { state: 'expired', resolved_at: now, resolved_by: null, resolution });
}

/** The agent waits no longer, although it still runs. Null: nothing changes. */
export function withdraw(interaction: Interaction, now: number): Interaction | null {
  if (interaction.answer === 'ordered') return { ...interaction, answer: 'over' };
  if (interaction.state !== 'open' || interaction.detached) return null;
  return { ...interaction, state: 'withdrawn', resolved_at: now, answer: 'over' };
}

/** The `claude` that asked is gone, but people are still asked. */
export function detach(interaction: Interaction): Interaction {
  return { ...interaction, detached: true };
}

/** The container was gone before it took the command with the answer: a message has to carry it. */
export function undelivered(interaction: Interaction): Interaction {
  if (interaction.answer !== 'ordered') return interaction;
  const owed = { ...interaction, detached: true };
  return { ...owed, answer: messageOf(owed) === null ? 'over' : 'owed' };
}

/** What the next `claude` is told about an earlier question; null: nothing. */
export function messageOf({ subject, state, resolution }: Interaction): string | null {
  if (resolution === null) return null;
  if (subject.kind === 'permission') {
    // Nobody decided in time, and the agent has long gone on without the permission.
    if (state !== 'resolved' || resolution.kind !== 'decision') return null;
    const { decision, message } = resolution;
    const note = message === null ? '' : ` ${message}`;
    const permission = decision === 'deny' ? 'You may not use' : 'You may use';
    const now = decision === 'deny' ? '' : ' now';
    return `${permission} ${subject.tool_name}${now} (you asked before your work was interrupted).${note}${inputNote(subject.input)}`;
  }
  if (resolution.kind !== 'answers') return null;
  const { answers } = resolution;
  const pairs = subject.questions.map(({ question }, index) => ({ question, text: answerText(answers[index] ?? '') }));
  const late = state === 'expired' ? 'Nobody answered in time, so your default holds. ' : '';
  const [only] = pairs;
  if (pairs.length === 1 && only !== undefined)
    return `${late}Answer to your question “${only.question}”: ${only.text}`;
  return `${late}Answers to your questions:\n${pairs.map(({ question, text }) => `- “${question}”: ${text}`).join('\n')}`;
}

const iso = (time: number) => new Date(time).toISOString();

type Ending = Pick<Interaction, 'state' | 'resolved_at' | 'resolved_by' | 'resolution'>;

/** The answer takes one way or the other, never both: it depends on whether the `claude` that asked still waits. */
function close(interaction: Interaction, ending: Ending): Change {
  const closed = { ...interaction, ...ending };
  if (!closed.detached) return { interaction: { ...closed, answer: 'ordered' }, order: orderOf(closed) };
  return { interaction: { ...closed, answer: messageOf(closed) === null ? 'over' : 'owed' }, order: null };
}

function orderOf({ of, interaction_id, state, resolution }: Interaction): WrapperCommand {
  if (of === 'claude') {
    const unanswered = { kind: 'decision' as const, decision: 'deny' as const, message: UNANSWERED };
    return { command: 'resolve', interaction_id, resolution: resolution ?? unanswered };
  }
  const [answer] = resolution?.kind === 'answers' ? resolution.answers : [];
  const late = state === 'expired' ? 'Nobody answered in time, so your default holds: ' : '';
  const text = answer === undefined ? UNANSWERED : late + answerText(answer);
  return { command: 'tool_result', call_id: interaction_id, text, is_error: false };
}

function refused({ of, id }: InteractionRequest, text: string): { refused: WrapperCommand } {
  return { refused: refusal(of, id, text) };
}

function refusal(of: Interaction['of'], id: string, message: string): WrapperCommand {
  if (of === 'tool') return { command: 'tool_result', call_id: id, text: message, is_error: true };
  return { command: 'resolve', interaction_id: id, resolution: { kind: 'decision', decision: 'deny', message } };
}

function subjectOf({ question, options = [], multi_select = false }: AskUserInput): InteractionSubject {
  const all = options.map((option) => (typeof option === 'string' ? { label: option } : option));
  const distinct = [...new Map(all.map((option) => [option.label, option])).values()];
  const several = multi_select && distinct.length > 0;
  return {
    kind: 'question',
    questions: [{ question, options: distinct, multi_select: several, free_text: !several }],
  };
}

function defaultOf(
  ask: InteractionRequest,
  subject: InteractionSubject,
  { permission_default }: InteractionLimits,
): Resolution | { readonly misfit: string } | null {
  if (subject.kind === 'permission') return { kind: 'decision', decision: permission_default, message: null };
  if (ask.of === 'claude' || ask.input.default === undefined) return null;
  const fitted = resolutionOf(subject, { answer: ask.input.default });
  if ('refused' in fitted) return { misfit: `The "default" is no answer to the question. ${fitted.detail}` };
  return fitted.resolution;
}

/** What people can be shown. The container is not trusted to respect the longest input. */
function withinLimit(subject: InteractionSubject): InteractionSubject {
  if (subject.kind !== 'permission' || jsonLength(subject.input) <= MAX_SHOWN_INPUT) return subject;
  return { ...subject, input: null };
}

/** Characters as JSON. A value that is nested too deeply for JSON counts as endless. */
function jsonLength(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch (error) {
    if (error instanceof RangeError) return Infinity;
    throw error;
  }
}

/** Enough of a tool's input to recognize it, characters. */
const INPUT_NOTE = 2000;

function inputNote(input: Record<string, unknown> | null): string {
  if (input === null) return '';
  const text = JSON.stringify(input);
  return ` It was for: ${text.length > INPUT_NOTE ? `${text.slice(0, INPUT_NOTE)}…` : text}`;
}

function closedDetail({ state, resolved_by, resolved_at }: Interaction): string {
  const when = resolved_at === null ? '' : ` at ${iso(resolved_at)}`;
  if (state === 'resolved') return `${resolved_by ?? 'Somebody'} answered it otherwise${when}.`;
  if (state === 'expired') return `Nobody answered by its deadline, which ended it${when}.`;
  return `The agent stopped waiting for it${when}.`;
}
