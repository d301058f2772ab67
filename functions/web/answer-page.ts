import { html } from 'hono/html';
import type { InteractionView, Question } from '../../protocol/api/session/interaction.ts';
import { noticePage, plainPage, type Html } from './plain-page.ts';

/** The pages behind the link that answers a question. They need no script: a form posts the answer. */

const STYLE = `body{max-width:40rem;margin-top:2rem}pre{background:#f4f5f8;padding:1rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
fieldset{border:1px solid #d9dce3;border-radius:.4rem;margin:1rem 0;padding:.6rem 1rem}label{display:block;margin:.4rem 0}
textarea{box-sizing:border-box;width:100%;min-height:4rem;font:inherit}small{color:#5a6270}
button{font:inherit;padding:.6rem 1.1rem;margin:.3rem .5rem .3rem 0;border:1px solid #9aa2b1;border-radius:.4rem;cursor:pointer}
@media(prefers-color-scheme:dark){pre{background:#1d2129}fieldset{border-color:#343a46}
small{color:#9aa2b1}textarea,button{background:#1d2129;color:inherit}}`;

/** What a link answers, and in whose name. */
export interface Linked {
  readonly owner: string;
  /** Of the session. */
  readonly title: string | null;
  readonly view: InteractionView;
}

/** What is asked, with a form for the answer. @param fault why the answer that was just sent is none */
export function askingPage({ view, title }: Linked, fault: string | null): Html {
  const name = title ?? `Session ${view.session_id}`;
  const said = fault === null ? '' : html`<p role="alert"><strong>${fault}</strong></p>`;
  const body = html`<h1>${name} asks</h1>
    ${said} ${view.subject.kind === 'permission' ? permissionForm(view.subject) : questionForm(view.subject.questions)}
    <p><small>Until ${view.deadline}. The first answer counts.</small></p>`;
  return plainPage({ title: 'CC-Docker asks', body, style: STYLE });
}

/** What has become of a question that is no longer asked. It says nothing of what was asked: old links lie about. */
export function closedPage({ state, resolved_by, resolved_at }: InteractionView): Html {
  const who = state === 'resolved' ? `${resolved_by ?? 'Somebody'} answered` : WHY_CLOSED[state];
  const when = resolved_at === null ? '' : ` (${resolved_at})`;
  return noticePage('No longer asked', `${who}${when}.`);
}

const WHY_CLOSED = {
  open: 'It is still asked',
  resolved: 'It was answered',
  expired: 'Nobody answered by its deadline',
  withdrawn: 'The agent no longer waits for an answer',
} as const satisfies Record<InteractionView['state'], string>;

/** The answer was taken. */
export function answeredPage(): Html {
  return noticePage('Answered', 'The agent has your answer. You can close this page.');
}

type Permission = Extract<InteractionView['subject'], { kind: 'permission' }>;

function permissionForm({ tool_name, input, can_allow_session }: Permission): Html {
  const shown = input === null ? 'Its input is too long to be shown here: the session’s log has it.' : inputText(input);
  const always = can_allow_session
    ? html`<button name="decision" value="allow_session">Allow for this session</button>`
    : '';
  return html`<p>It wants to use <strong>${tool_name}</strong>:</p>
    <pre>${shown}</pre>
    <form method="post">
      <label>A word to the agent, if you like<textarea name="message" maxlength="8000"></textarea></label>
      <button name="decision" value="allow">Allow</button>
      ${always}
      <button name="decision" value="deny">Deny</button>
    </form>`;
}

/** A command as it would be typed; any other input as JSON. */
function inputText(input: Record<string, unknown>): string {
  const { command, ...rest } = input;
  if (typeof command !== 'string') return JSON.stringify(input, null, 2);
  return Object.keys(rest).length === 0 ? command : `${command}\n\n${JSON.stringify(rest, null, 2)}`;
}

function questionForm(questions: readonly Question[]): Html {
  const [only] = questions;
  const oneTap = questions.length === 1 && only !== undefined && !only.multi_select && only.options.length > 0;
  const fields = questions.map((question, index) => (oneTap ? tapField(question) : field(question, index)));
  const needsSend = !oneTap || only.free_text;
  return html`<form method="post">${fields} ${needsSend ? html`<button>Send</button>` : ''}</form>`;
}

/** One question of which one option is chosen: each option is a button. */
function tapField({ question, options, free_text }: Question): Html {
  const text = free_text ? html`<label>Or in your words<textarea name="t0" maxlength="32768"></textarea></label>` : '';
  return html`<p>${question}</p>
    ${options.map(
      ({ label, description, preview }) =>
        html`<p>
          <button name="q0" value="${label}">${label}</button>${description ?? ''}
          ${preview === undefined ? '' : html`<pre>${preview}</pre>`}
        </p>`,
    )}
    ${text}`;
}

function field({ question, options, multi_select, free_text }: Question, index: number): Html {
  const type = multi_select ? 'checkbox' : 'radio';
  const choices = options.map(
    ({ label, description, preview }) =>
      html`<label
          ><input type="${type}" name="q${index}" value="${label}" /> ${label}${
            description === undefined ? '' : html` <small>${description}</small>`
          }</label
        >
        ${preview === undefined ? '' : html`<pre>${preview}</pre>`}`,
  );
  const asksText = free_text || options.length === 0;
  const hint = options.length === 0 ? 'Your answer' : 'In your words';
  const text = asksText ? html`<label>${hint}<textarea name="t${index}" maxlength="32768"></textarea></label>` : '';
  return html`<fieldset>
    <legend>${question}</legend>
    ${choices} ${text}
  </fieldset>`;
}
