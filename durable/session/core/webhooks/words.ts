import * as z from 'zod';
import { ownEvents } from '../../../../protocol/api/session/own-events.ts';
import { interactionSubject, type InteractionSubject } from '../../../../protocol/api/session/interaction.ts';
import { childResult } from '../../../../protocol/api/session/child.ts';
import type { WebhookEvent } from '../../../../protocol/api/webhook.ts';

/** How a notice reads for people: what the formats for chats say. */
export interface Words {
  /** One line. */
  readonly title: string;
  /** May be empty, or long. */
  readonly text: string;
  readonly priority: 'low' | 'normal' | 'high' | 'urgent';
  /** A name of an emoji, as ntfy has them. */
  readonly emoji: string;
  /** What a person can choose with one tap: a field of the answer's form, and its value. Empty: the page says more. */
  readonly choices: readonly Choice[];
}

/** A button of the answer's page. */
export interface Choice {
  readonly label: string;
  readonly field: string;
  readonly value: string;
}

const about = z.object({ session_id: z.string(), session_title: z.string().nullable() });
const ended = childResult.pick({ result: true, error: true });
const asked = z.object({ subject: interactionSubject.nullable() });
const closed = ownEvents['interaction.closed'];

/** @param data of the notice, as it was stored */
export function wordsOf(type: WebhookEvent, data: unknown): Words {
  const name = nameOf(data);
  switch (type) {
    case 'message.completed':
      return words(`Done: ${name}`, ended.parse(data).result ?? '', 'white_check_mark');
    case 'message.failed':
    case 'message.interrupted': {
      const { error, result } = ended.parse(data);
      const what = type === 'message.failed' ? 'Failed' : 'Interrupted';
      return words(
        `${what}: ${name}`,
        error?.detail ?? result ?? '',
        'x',
        type === 'message.failed' ? 'high' : 'normal',
      );
    }
    case 'interaction.opened':
    case 'interaction.reminded':
      return askedWords(type, data, name);
    case 'interaction.resolved':
    case 'interaction.expired':
    case 'interaction.withdrawn':
      return closedWords(type, data, name);
    case 'session.notification': {
      const { message, summary, priority } = ownEvents[type].parse(data);
      return { ...words(summary === null ? name : `${name}: ${line(summary)}`, message, 'loudspeaker'), priority };
    }
    case 'session.stopped':
    case 'session.failed': {
      const { reason } = ownEvents['session.status'].parse(data);
      const isFailed = type === 'session.failed';
      const what = isFailed ? 'Session failed' : 'Session stopped';
      return words(`${what}: ${name}`, reason?.detail ?? '', isFailed ? 'x' : 'zzz', isFailed ? 'high' : 'low');
    }
    case 'budget.reached':
    case 'budget.resumed': {
      const { spent_usd, budget_usd } = ownEvents['session.budget'].parse(data);
      const of = budget_usd === null ? '' : ` of $${budget_usd.toFixed(2)}`;
      const isReached = type === 'budget.reached';
      const what = isReached ? 'Budget spent' : 'Goes on within its budget';
      return words(`${what}: ${name}`, `$${spent_usd.toFixed(2)}${of}.`, 'moneybag', isReached ? 'high' : 'normal');
    }
    case 'child.result':
    case 'child.status':
    case 'child.interaction':
    case 'child.callback_failed':
    case 'child.spawned':
    case 'child.deleted':
      return childWords(type, data, name);
  }
  return type satisfies never;
}

function words(title: string, text: string, emoji: string, priority: Words['priority'] = 'normal'): Words {
  return { title: line(title), text, emoji, priority, choices: [] };
}

function askedWords(type: 'interaction.opened' | 'interaction.reminded', data: unknown, name: string): Words {
  const { subject } = asked.parse(data);
  const priority = z.object({ priority: ownEvents['interaction.opened'].shape.priority }).safeParse(data)
    .data?.priority;
  const isAgain = type === 'interaction.reminded';
  const again = isAgain ? againOf(data) : '';
  const asks = subject?.kind === 'permission' ? `wants to use ${subject.tool_name}` : 'asks';
  return {
    title: line(`${again}${name} ${asks}`),
    text: subject === null ? 'What it asks is too long to be shown here.' : subjectText(subject),
    emoji: 'question',
    priority: priority === undefined || priority === 'normal' ? 'high' : priority,
    choices: subject === null ? [] : choicesOf(subject),
  };
}

function againOf(data: unknown): string {
  const { attempt, of } = ownEvents['interaction.reminded'].parse(data);
  return `Reminder ${attempt} of ${of}: `;
}

function closedWords(type: WebhookEvent, data: unknown, name: string): Words {
  const { resolved_by, resolution } = closed.parse(data);
  if (type === 'interaction.withdrawn') return words(`No longer asked: ${name}`, '', 'heavy_check_mark', 'low');
  const answer =
    resolution === null
      ? 'No answer.'
      : resolution.kind === 'decision'
        ? resolution.decision
        : resolution.answers.map((one) => (typeof one === 'string' ? one : one.join(', '))).join('\n');
  const who = type === 'interaction.expired' ? 'Nobody answered' : `${resolved_by ?? 'Somebody'} answered`;
  return words(`${who}: ${name}`, answer, 'heavy_check_mark', 'low');
}

function childWords(type: Extract<WebhookEvent, `child.${string}`>, data: unknown, name: string): Words {
  const { child_session_id } = z.object({ child_session_id: z.string() }).parse(data);
  const child = shortId(child_session_id);
  switch (type) {
    case 'child.result': {
      const { status, result, error } = ownEvents['child.result'].parse(data);
      return words(`Child ${child} ${status}: ${name}`, result ?? error?.detail ?? '', 'white_check_mark');
    }
    case 'child.status': {
      const { status, reason } = ownEvents['child.status'].parse(data);
      return words(`Child ${child} is ${status}: ${name}`, reason?.detail ?? '', 'information_source', 'low');
    }
    case 'child.interaction': {
      const { state, subject } = ownEvents['child.interaction'].parse(data);
      const text = subject === null ? '' : subjectText(subject);
      return words(`Child ${child} ${state === 'open' ? 'asks' : 'asks no longer'}: ${name}`, text, 'question');
    }
    case 'child.callback_failed': {
      const { detail } = ownEvents['child.callback_failed'].parse(data);
      return words(`The callback of child ${child} failed: ${name}`, detail, 'x');
    }
    case 'child.spawned':
    case 'child.deleted': {
      const what = type === 'child.spawned' ? 'began' : 'was deleted';
      return words(`Child ${child} ${what}: ${name}`, '', 'information_source', 'low');
    }
  }
  return type satisfies never;
}

/** A title, or else enough of the id to tell sessions apart: the last digits, because the first ones are of the time. */
function nameOf(data: unknown): string {
  const named = about.safeParse(data).data;
  if (named === undefined) return 'a child session';
  return named.session_title ?? `session ${shortId(named.session_id)}`;
}

const shortId = (id: string) => id.slice(-6);

/** A title is one line. */
const line = (text: string) => text.replaceAll(/\s+/gu, ' ').trim();

function subjectText(subject: InteractionSubject): string {
  if (subject.kind === 'permission') return subject.input === null ? '' : inputText(subject.input);
  return subject.questions
    .map(({ question, options }) => [
      question,
      ...options.map(({ label, description }) => optionText(label, description)),
    ])
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const optionText = (label: string, description: string | undefined) =>
  description === undefined ? `• ${label}` : `• ${label}: ${description}`;

/** A command as it would be typed, and any other input as JSON. */
function inputText(input: Record<string, unknown>): string {
  const { command } = input;
  return typeof command === 'string' ? command : JSON.stringify(input, null, 1);
}

/** What one tap can answer: a permission, or one question of which one option is chosen. */
function choicesOf(subject: InteractionSubject): Choice[] {
  if (subject.kind === 'permission') {
    return [
      { label: 'Allow', field: 'decision', value: 'allow' },
      ...(subject.can_allow_session
        ? [{ label: 'Allow for the session', field: 'decision', value: 'allow_session' }]
        : []),
      { label: 'Deny', field: 'decision', value: 'deny' },
    ];
  }
  const [question, ...others] = subject.questions;
  if (question === undefined || others.length > 0 || question.multi_select) return [];
  return question.options.map(({ label }) => ({ label, field: 'q0', value: label }));
}
