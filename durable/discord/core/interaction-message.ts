import type { RESTPostAPIChannelMessageJSONBody } from 'discord-api-types/v10';
import type {
  Answers,
  AskingAgent,
  InteractionView,
  PermissionDecision,
  Question,
  Resolution,
} from '../../../protocol/api/session/interaction.ts';
import { answerText } from '../../shared/interactions/answers.ts';
import { componentsOf, isCut, pageOf, pagesOf, type Draft } from './components.ts';
import { MAX_CONTENT } from './text/limits.ts';
import { pingedFor, mentionText, PING_NOBODY, pingOnly } from './text/mentions.ts';
import { beginning } from './text/split-message.ts';
import { codeBlock, cut, cutLine, inlineCode, plain, visible } from './text/text.ts';
import { shownInput } from './tool-input.ts';
import { FLAG } from './wire/constants.ts';
import type { MessageBody, MessageFile, OutgoingMessage } from './wire/message.ts';

/** Who answered: a Discord account, or a name from anywhere else. */
export type AnsweredBy = { readonly discord_user_id: string } | { readonly name: string };

export interface Asked {
  /** What it is about, such as its session's name. In the session's own thread it is not needed. */
  readonly about?: string;
  /** The accounts that it pings when it is urgent. */
  readonly mentions?: readonly string[];
  /** For several questions: the answers that were chosen so far, and the page that is shown. */
  readonly draft?: Draft;
  readonly page?: number;
}

const MAX_OUTCOME = 700;
/** Texts of several questions up to this length always fit into the message, whatever was typed as answers. Characters. */
const ALWAYS_FITS = 1200;
const WHOLE_ATTACHED = '-# Cut here. The whole of it is in the file.';

/** An open question or permission, as a message with buttons. */
export function openMessage(view: InteractionView, asked: Asked = {}): OutgoingMessage {
  const { draft = [], page = 0 } = asked;
  const pinged = pingedFor(view.priority, asked.mentions ?? []);
  const head = [mentionText(pinged), headline(view, asked.about)].filter((text) => text !== '').join(' ');
  const foot = [...draftLines(view, draft, page), deadlineLine(view)].join('\n');
  const { text, file } = subjectText(view, page, MAX_CONTENT - head.length - foot.length - 2);
  return {
    body: {
      content: [head, text, foot].join('\n'),
      components: componentsOf(view, draft, page),
      allowed_mentions: pingOnly(pinged),
      flags: FLAG.suppress_embeds,
    },
    file,
  };
}

/** The message of a closed one: its outcome, and nothing left to press. `by`: null takes the name from `resolved_by`. */
export function closedMessage(
  view: InteractionView,
  asked: Pick<Asked, 'about'> = {},
  by: AnsweredBy | null = null,
): MessageBody {
  const head = headline(view, asked.about);
  const outcome = outcomeLine(view, by ?? (view.resolved_by === null ? null : { name: view.resolved_by }));
  const { text } = subjectText(view, null, MAX_CONTENT - head.length - outcome.length - 2);
  return {
    content: [head, text, outcome].join('\n'),
    components: [],
    allowed_mentions: PING_NOBODY,
    flags: FLAG.suppress_embeds,
  };
}

/** Reminds people below the message that asks. `attempt` counts from 1. */
export function reminderMessage(
  view: InteractionView,
  message: { readonly id: string; readonly attempt: number; readonly of: number },
  mentions: readonly string[] = [],
): RESTPostAPIChannelMessageJSONBody {
  const pinged = pingedFor(view.priority, mentions);
  const what = view.subject.kind === 'permission' ? 'a decision' : 'an answer';
  const text = `⏰ This still waits for ${what} (reminder ${message.attempt} of ${message.of}), until ${stamp(view.deadline)}.`;
  return {
    content: [mentionText(pinged), text].filter((part) => part !== '').join(' '),
    // Discord refuses it if that message was deleted: a reminder alone would make no sense.
    message_reference: { message_id: message.id, fail_if_not_exists: true },
    allowed_mentions: pingOnly(pinged),
  };
}

function headline({ subject, priority }: InteractionView, about: string | undefined): string {
  const mark = { low: '', normal: '', high: '❗ ', urgent: '🚨 ' }[priority];
  const of = about === undefined ? '' : ` · ${plain(cutLine(about, 100, 'a session'))}`;
  if (subject.kind === 'permission') {
    const { tool_name, agent = null } = subject;
    return `${mark}🔐 **Permission** to use ${inlineCode(cut(tool_name, 100))}${agentText(agent)}${of}`;
  }
  return `${mark}❓ **${subject.questions.length === 1 ? 'A question' : `${subject.questions.length} questions`}**${of}`;
}

/** The main agent needs no name. */
function agentText(agent: AskingAgent | null): string {
  if (agent === null) return '';
  const { id, type = id, description = '' } = agent;
  const does = description.trim() === '' ? '' : ` (${plain(cutLine(description, 100, ''))})`;
  return ` for the subagent ${inlineCode(cut(type, 60))}${does}`;
}

/** `page`: null shows all questions. */
function subjectText(
  { subject }: InteractionView,
  page: number | null,
  room: number,
): { readonly text: string; readonly file: MessageFile | null } {
  if (subject.kind === 'permission') {
    if (subject.input === null) return { text: 'Its input is too long to show. The session’s log has it.', file: null };
    const text = shownInput(subject.input);
    const whole = codeBlock(text);
    if (whole.length <= room) return { text: whole, file: null };
    return { text: withNote(beginning(whole, room - WHOLE_ATTACHED.length - 1)), file: { name: 'input.txt', text } };
  }
  const { questions } = subject;
  const shown = page === null ? [...questions.keys()] : pageOf(questions, page);
  const pages = pagesOf(questions.length);
  const numbered = page === null || pages === 1 ? [] : [`-# Page ${page + 1} of ${pages}`];
  const whole = [...shown.flatMap((index) => questionText(questions, index)), ...numbered].join('\n');
  const text = whole.length <= room ? whole : withNote(beginning(whole, room - WHOLE_ATTACHED.length - 1));
  const all = [...questions.keys()].flatMap((index) => questionText(questions, index)).join('\n');
  // For several questions the file is sent with the first page, because any later page may have to be cut.
  const isFileNeeded = questions.length === 1 ? text !== whole : all.length > ALWAYS_FITS;
  return { text, file: isFileNeeded ? { name: 'question.md', text: all } : null };
}

const withNote = (text: string) => `${text}\n${WHOLE_ATTACHED}`;

function questionText(questions: readonly Question[], index: number): string[] {
  const question = questions[index];
  if (question === undefined) return [];
  const isOne = questions.length === 1;
  const options = isOne && !isCut(question) ? [] : question.options.flatMap(optionText);
  return [isOne ? question.question : `**${index + 1}.** ${question.question}`, ...options];
}

function optionText({ label, description = '', preview = '' }: Question['options'][number]): string[] {
  const described = description.trim() === '' ? '' : ` — ${description.replace(/\s+/g, ' ').trim()}`;
  const line = `- **${plain(label.replace(/\s+/g, ' ').trim())}**${described}`;
  return preview.trim() === '' ? [line] : [line, previewBlock(preview.trimEnd())];
}

/** A preview that is one fenced block already. */
const FENCED = /^\s*```([A-Za-z0-9_+\-.#]{0,32})\n((?:(?!```)[^])*)\n```$/;

/** A preview is to be shown as it is, in a monospaced box. */
function previewBlock(preview: string): string {
  const [, language = '', inner = preview] = FENCED.exec(preview) ?? [];
  return codeBlock(visible(inner), language);
}

/** Answers that were typed for questions of this page. A menu shows only its own options. */
function draftLines({ subject }: InteractionView, draft: Draft, page: number): string[] {
  if (subject.kind === 'permission' || subject.questions.length === 1) return [];
  return pageOf(subject.questions, page).flatMap((index) => {
    const answer = draft[index] ?? null;
    const labels = subject.questions[index]?.options.map(({ label }) => label) ?? [];
    if (typeof answer !== 'string' || labels.includes(answer)) return [];
    return [`✏️ **${index + 1}.** ${plain(cutLine(answer, 40, '…'))}`];
  });
}

function deadlineLine({ session_id, interaction_id, deadline, default: fallback, subject }: InteractionView): string {
  // A question that no session asks has its own id in place of a session's. A program reads its answer.
  const without = session_id === interaction_id ? 'nobody is asked any more' : 'the agent goes on without';
  const then =
    fallback === null
      ? `then ${without}`
      : subject.kind === 'permission'
        ? `then: ${resolutionText(fallback)}`
        : `then: ${plain(cutLine(resolutionText(fallback), 200, '…'))}`;
  return `-# Until ${stamp(deadline)}, ${then}.`;
}

function outcomeLine({ state, resolution }: InteractionView, by: AnsweredBy | null): string {
  const who =
    by === null ? 'somebody' : 'name' in by ? `**${plain(cutLine(by.name, 80, '?'))}**` : `<@${by.discord_user_id}>`;
  switch (state) {
    case 'open':
      return '-# Still open.';
    case 'withdrawn':
      return '✖️ **Withdrawn**: the agent no longer waits for it.';
    case 'expired':
      if (resolution === null) return '⌛ **Expired**: nobody answered in time.';
      return `⌛ **Expired**: nobody answered in time, so the default holds: ${outcomeText(resolution)}`;
    case 'resolved':
      break;
  }
  if (resolution?.kind === 'decision') return `${DECIDED[resolution.decision]} by ${who}${noteOf(resolution)}`;
  return `✅ Answered by ${who}: ${resolution === null ? '' : outcomeText(resolution)}`;
}

const DECIDED: Readonly<Record<PermissionDecision, string>> = {
  allow: '✅ **Allowed**',
  allow_session: '✅ **Allowed for the session**',
  deny: '⛔ **Denied**',
};

function noteOf({ message }: Extract<Resolution, { kind: 'decision' }>): string {
  return message === null || message.trim() === '' ? '' : `: ${plain(cutLine(message, 300, ''))}`;
}

const outcomeText = (resolution: Resolution) =>
  `**${plain(cutLine(resolutionText(resolution), MAX_OUTCOME / 2, '…'))}**`;

function resolutionText(resolution: Resolution): string {
  if (resolution.kind === 'decision') {
    return { allow: 'allowed', allow_session: 'allowed for the session', deny: 'denied' }[resolution.decision];
  }
  return answersText(resolution.answers);
}

function answersText(answers: Answers): string {
  if (answers.length === 1) return answerText(answers[0] ?? '');
  const each = Math.floor(MAX_OUTCOME / 2 / answers.length) - 8;
  return answers.map((answer, index) => `${index + 1}. ${cutLine(answerText(answer), each, '…')}`).join(' · ');
}

/** Discord shows this in the reader's own time: "in 5 minutes". */
function stamp(instant: string): string {
  return `<t:${Math.floor(Date.parse(instant) / 1000)}:R>`;
}
