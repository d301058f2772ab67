import { PERMISSION_MODES } from '../../session/settings/choices.ts';
import { EMPTY, type Field, type Form } from './form.ts';

const DRAFT = 'cc-docker.new-session';
const CHOICES = 'cc-docker.new-session.choices';

/** What belongs to one session alone: the next one does not begin with it. */
const OWN: ReadonlySet<Field> = new Set(['prompt', 'title', 'instructions']);

/** What was filled in before the page was left or loaded again; else the choices of the last session that was begun. */
export function keptForm(): Form {
  return parse(sessionStorage.getItem(DRAFT)) ?? parse(localStorage.getItem(CHOICES)) ?? EMPTY;
}

export function keepForm(form: Form): void {
  sessionStorage.setItem(DRAFT, JSON.stringify(form));
}

/** A session was begun: its choices are those of the next one, what it was told is not. */
export function keepChoices(form: Form): void {
  sessionStorage.removeItem(DRAFT);
  const choices = Object.fromEntries(Object.entries(form).filter(([field]) => !(isField(field) && OWN.has(field))));
  localStorage.setItem(CHOICES, JSON.stringify(choices));
}

/** What an earlier version kept may lack fields, or have others. */
function parse(text: string | null): Form | undefined {
  if (text === null) return undefined;
  const kept: Record<string, unknown> = JSON.parse(text);
  const form: Record<Field, string> = { ...EMPTY };
  for (const [name, value] of Object.entries(kept)) if (isField(name) && typeof value === 'string') form[name] = value;
  const mode = PERMISSION_MODES.find(({ value }) => value === form.mode)?.value ?? EMPTY.mode;
  const files = form.files === 'kept' || form.files === 'copy' ? form.files : 'new';
  return { ...form, mode, files };
}

const isField = (name: string): name is Field => Object.hasOwn(EMPTY, name);
