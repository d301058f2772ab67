import { signal, type Signal } from '@preact/signals';
import { EMPTY, isBegun, type Draft } from './draft.ts';

const PREFIX = 'cc-docker.draft.';
const drafts = new Map<string, Signal<Draft>>();

/** What is being answered to an interaction: it survives a reload of the page (in this tab alone). */
export function draftOf(interactionId: string): Signal<Draft> {
  const known = drafts.get(interactionId);
  if (known !== undefined) return known;
  const draft = signal(parse(sessionStorage.getItem(PREFIX + interactionId)));
  drafts.set(interactionId, draft);
  return draft;
}

export function setDraft(interactionId: string, draft: Draft): void {
  draftOf(interactionId).value = draft;
  if (isBegun(draft)) sessionStorage.setItem(PREFIX + interactionId, JSON.stringify(draft));
  else sessionStorage.removeItem(PREFIX + interactionId);
}

export function forgetDraft(interactionId: string): void {
  setDraft(interactionId, EMPTY);
  drafts.delete(interactionId);
}

/** What this page wrote before. A later version may write it otherwise: then it begins anew. */
function parse(text: string | null): Draft {
  if (text === null) return EMPTY;
  const { chosen, texts, reason }: Partial<Record<keyof Draft, unknown>> = JSON.parse(text);
  if (!Array.isArray(chosen) || !isTexts(texts) || typeof reason !== 'string' || !chosen.every(isTexts)) return EMPTY;
  return { chosen, texts, reason };
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');
