import type {
  APIActionRowComponent,
  APIButtonComponentWithCustomId,
  APIComponentInMessageActionRow,
  APIStringSelectComponent,
} from 'discord-api-types/v10';
import type {
  Answers,
  InteractionView,
  PermissionDecision,
  Question,
} from '../../../protocol/api/session/interaction.ts';
import { type ComponentAct, type ComponentOf, encodeCustomId } from './custom-id.ts';
import { MAX_BUTTON_LABEL, MAX_BUTTONS, MAX_OPTION_TEXT, MAX_PLACEHOLDER } from './text/limits.ts';
import { cutLine } from './text/text.ts';
import { BUTTON, COMPONENT } from './wire/constants.ts';

export type Row = APIActionRowComponent<APIComponentInMessageActionRow>;
type Button = APIButtonComponentWithCustomId;
type Look = Button['style'];

/**
 * The answers that were chosen so far, if several questions are asked at once: one entry for each question, null where
 * it has none yet. The draft is kept until all answers are sent together.
 */
export type Draft = readonly (Answers[number] | null)[];

/** Questions on one page of a form. Each has a menu in a row of its own, and the last row holds at most five buttons. */
const PAGE_WITHOUT_TURNING = 4;
const PAGE = 3;

/** The buttons and menus of an open interaction: at most five rows, each with five buttons or one menu. */
export function componentsOf(view: InteractionView, draft: Draft, page: number): Row[] {
  const { subject } = view;
  if (subject.kind === 'permission') return [permissionRow(view, subject.can_allow_session)];
  const [only, ...others] = subject.questions;
  if (only === undefined) return [];
  return others.length === 0 ? questionRows(view, only) : formRows(view, subject.questions, draft, page);
}

/** How many pages a form of so many questions has. */
export function pagesOf(questions: number): number {
  return questions <= PAGE_WITHOUT_TURNING ? 1 : Math.ceil(questions / PAGE);
}

/** The indexes of the questions on a page. */
export function pageOf(questions: readonly Question[], page: number): number[] {
  return [...questions.keys()].filter((index) => pageWith(questions.length, index) === page);
}

/** The page of a question. */
export function pageWith(questions: number, index: number): number {
  return questions <= PAGE_WITHOUT_TURNING ? 0 : Math.floor(index / PAGE);
}

/** Whether each question has an answer. */
export function isComplete(draft: Draft, questions: readonly Question[]): boolean {
  return questions.every((_, index) => (draft[index] ?? null) !== null);
}

/** Whether an option has more than its button or menu shows: a long label, a description, a preview. The message then lists the options. */
export function isCut(question: Question): boolean {
  const max = isButtons(question) ? MAX_BUTTON_LABEL : MAX_OPTION_TEXT;
  return question.options.some(
    ({ label, description, preview }) => label.length > max || description !== undefined || preview !== undefined,
  );
}

function permissionRow(of: ComponentOf, canAllowSession: boolean): Row {
  const decide = (decision: PermissionDecision, label: string, style: Look) =>
    button(of, { kind: 'decision', decision }, label, style);
  return row([
    decide('allow', 'Allow', BUTTON.success),
    ...(canAllowSession ? [decide('allow_session', 'Allow for session', BUTTON.secondary)] : []),
    decide('deny', 'Deny', BUTTON.danger),
  ]);
}

function questionRows(of: ComponentOf, question: Question): Row[] {
  const other = (label: string, style: Look) => button(of, { kind: 'other', question: 0 }, label, style);
  if (question.options.length === 0) return [row([other('Answer…', BUTTON.primary)])];
  const others = question.free_text ? [other('Other…', BUTTON.secondary)] : [];
  if (!isButtons(question)) {
    const menu = row([select(of, question, 0, null, 'Choose')]);
    return others.length === 0 ? [menu] : [menu, row(others)];
  }
  const options = question.options.map(({ label }, option) =>
    button(
      of,
      { kind: 'option', question: 0, option },
      cutLine(label, MAX_BUTTON_LABEL, `Option ${option + 1}`),
      BUTTON.secondary,
    ),
  );
  return options.length + others.length <= MAX_BUTTONS ? [row([...options, ...others])] : [row(options), row(others)];
}

/** One menu for each question of a page, and a row of buttons: to type other answers, turn the page, and send all answers. */
function formRows(of: ComponentOf, questions: readonly Question[], draft: Draft, page: number): Row[] {
  const last = pagesOf(questions.length) - 1;
  const menus: Row[] = [];
  const buttons: Button[] = [];
  for (const index of pageOf(questions, page)) {
    const question = questions[index];
    if (question === undefined) continue;
    const number = index + 1;
    const hasOptions = question.options.length > 0;
    if (hasOptions) {
      const name = cutLine(question.header ?? question.question, MAX_PLACEHOLDER - 8, 'Choose');
      menus.push(row([select(of, question, index, draft[index] ?? null, `${number}. ${name}`)]));
    }
    if (!hasOptions || question.free_text) {
      const label = hasOptions ? `Other for ${number}…` : `Answer ${number}…`;
      buttons.push(
        button(of, { kind: 'other', question: index }, label, hasOptions ? BUTTON.secondary : BUTTON.primary),
      );
    }
  }
  if (page > 0) buttons.unshift(button(of, { kind: 'page', page: page - 1 }, '‹ Back', BUTTON.secondary));
  if (page < last) buttons.push(button(of, { kind: 'page', page: page + 1 }, 'Next ›', BUTTON.primary));
  else {
    const send = button(of, { kind: 'send' }, 'Send answers', BUTTON.success);
    buttons.push({ ...send, disabled: !isComplete(draft, questions) });
  }
  return [...menus, row(buttons)];
}

/** Up to five options, of which one may be chosen, are buttons. More are a menu. */
function isButtons({ options, multi_select }: Question): boolean {
  return options.length <= MAX_BUTTONS && !multi_select;
}

/** A menu. Its values are the indexes of the options, because labels may be longer than a value. */
function select(
  of: ComponentOf,
  { options, multi_select }: Question,
  index: number,
  chosen: Answers[number] | null,
  placeholder: string,
): APIStringSelectComponent {
  const labels = new Set(typeof chosen === 'string' ? [chosen] : (chosen ?? []));
  return {
    type: COMPONENT.select,
    custom_id: customId(of, { kind: 'select', question: index }),
    placeholder,
    min_values: 1,
    max_values: multi_select ? options.length : 1,
    options: options.map(({ label, description = '' }, option) => ({
      label: cutLine(label, MAX_OPTION_TEXT, `Option ${option + 1}`),
      value: String(option),
      ...(description.trim() === '' ? {} : { description: cutLine(description, MAX_OPTION_TEXT, '') }),
      ...(labels.has(label) ? { default: true } : {}),
    })),
  };
}

function button(of: ComponentOf, act: ComponentAct, label: string, style: Look): Button {
  return { type: COMPONENT.button, style, label, custom_id: customId(of, act) };
}

function customId({ session_id, interaction_id }: ComponentOf, act: ComponentAct): string {
  return encodeCustomId({ session_id, interaction_id, ...act });
}

function row(components: APIComponentInMessageActionRow[]): Row {
  return { type: COMPONENT.row, components };
}
