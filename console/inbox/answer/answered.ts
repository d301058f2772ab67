import { computed, signal } from '@preact/signals';
import type { Interaction, WaitingInteraction } from '../../../client/main.ts';
import { now } from '../../ui/time.tsx';
import { toolView } from '../asked/tool-view.ts';
import { isBegun } from './draft.ts';
import { draftOf, forgetDraft } from './drafts.ts';
import type { Outcome } from './outcome.ts';

/** Something that was asked while this page was open, and how it ended. Its texts are as the agent wrote them. */
export interface Answered {
  readonly interaction_id: string;
  readonly session_id: string;
  readonly title: string | null;
  readonly asked: string;
  readonly outcome: Outcome;
  /** When this page heard of it, milliseconds. */
  readonly at: number;
  /** As it was in the list: it keeps its place for a moment. */
  readonly was?: WaitingInteraction;
}

const KEY = 'cc-docker.answered';
const MOST = 30;
/** For so long it keeps its place, so that nothing slides under a finger, and its end can be read. Milliseconds. */
const IN_PLACE_MS = 5000;

/** What was answered lately, the newest first. A reload of the page does not forget it. */
export const answered = signal<readonly Answered[]>(restore());

/** What is over, and is shown in its place a while longer: until a moment has passed, or what was being written is put away. */
export const inPlace = computed(() => {
  const list = answered.value.flatMap(({ was, at }) => (was === undefined ? [] : [{ was, at }]));
  if (list.length === 0) return [];
  return list.filter(({ was, at }) => isKept(was) || now.value - at < IN_PLACE_MS).map(({ was }) => was);
});

const isKept = ({ interaction_id }: WaitingInteraction) => isBegun(draftOf(interaction_id).value);

/** What is asked, in a line. */
export function askedText({ subject }: Pick<Interaction, 'subject'>): string {
  if (subject.kind === 'permission') return toolView(subject.tool_name, subject.input).title;
  return subject.questions.map(({ question }) => question).join(' · ');
}

export function addAnswered(
  asked: Interaction & Partial<Pick<WaitingInteraction, 'session' | 'shortened'>>,
  outcome: Outcome,
): void {
  const { interaction_id, session_id, session, shortened } = asked;
  const was = session === undefined || shortened === undefined ? undefined : { ...asked, session, shortened };
  const entry: Answered = {
    interaction_id,
    session_id,
    title: session?.title ?? null,
    asked: askedText(asked),
    outcome,
    at: Date.now(),
    ...(was && { was }),
  };
  const others = answered.value.filter((other) => other.interaction_id !== interaction_id);
  answered.value = [entry, ...others].slice(0, MOST);
  sessionStorage.setItem(KEY, JSON.stringify(answered.value.map(withoutWas)));
}

/** What was being written is put away, and it leaves its place. */
export function dismiss(interactionId: string): void {
  forgetDraft(interactionId);
  answered.value = answered.value.map((entry) => (entry.interaction_id === interactionId ? withoutWas(entry) : entry));
}

function withoutWas({ interaction_id, session_id, title, asked, outcome, at }: Answered): Answered {
  return { interaction_id, session_id, title, asked, outcome, at };
}

function restore(): Answered[] {
  const text = sessionStorage.getItem(KEY);
  return text === null ? [] : (JSON.parse(text) as Answered[]);
}
