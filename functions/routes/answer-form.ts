import {
  resolveRequest,
  type InteractionSubject,
  type ResolveRequest,
} from '../../protocol/api/session/interaction.ts';

/**
 * Reads the form of the answer's page: `decision` and `message` of a permission; of question 0, 1, … the options in `q0`, `q1`,
 * … and a text in `t0`, `t1`, ….
 *
 * @returns null: it is no answer; the session says what would be one
 */
export function readAnswerForm(subject: InteractionSubject, form: URLSearchParams): ResolveRequest | null {
  const read = resolveRequest.safeParse(subject.kind === 'permission' ? decision(form) : answers(subject, form));
  return read.success ? read.data : null;
}

function decision(form: URLSearchParams): object {
  const message = form.get('message')?.trim() ?? '';
  return { decision: form.get('decision'), ...(message !== '' && { message }) };
}

function answers({ questions }: Extract<InteractionSubject, { kind: 'question' }>, form: URLSearchParams): object {
  const given = questions.map(({ multi_select }, index) => {
    const chosen = form.getAll(`q${index}`);
    // Forms end lines as CRLF.
    const text = (form.get(`t${index}`) ?? '').replaceAll('\r\n', '\n').trim();
    if (multi_select) return text === '' ? chosen : [...chosen, text];
    // A text was typed for this answer, while an option may have been chosen before.
    return text === '' ? (chosen[0] ?? '') : text;
  });
  return { answer: given.length === 1 ? (given[0] ?? '') : given };
}
