import { signal, type Signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import type { WaitingInteraction } from '../../client/main.ts';
import { useShortcuts } from '../shell/shortcuts.ts';
import { answerState, sendAnswer } from './answer/answering.ts';
import { choose, isOneTap, requestOf } from './answer/draft.ts';
import { draftOf, setDraft } from './answer/drafts.ts';

/**
 * The keys of the inbox. One that decides does so for the card that is marked, and the first press of any key marks one: nothing is
 * decided unseen.
 *
 * @returns which card is marked, by its id
 */
export function useInboxKeys(list: readonly WaitingInteraction[]): Signal<string | null> {
  const current = useMemo(() => signal<string | null>(null), []);
  const { route } = useLocation();
  const at = () => list.findIndex(({ interaction_id }) => interaction_id === current.value);
  const go = (to: number) => {
    const asked = list[Math.max(0, Math.min(list.length - 1, to))];
    if (asked === undefined) return false;
    current.value = asked.interaction_id;
    const card = document.getElementById(`ask-${asked.interaction_id}`);
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    return true;
  };
  const withCurrent = (act: (asked: WaitingInteraction) => boolean) => {
    const asked = list[at()];
    return asked === undefined ? go(0) : act(asked);
  };
  useShortcuts('Inbox', [
    { keys: 'j', what: 'The next one', run: () => go(at() + 1) },
    { keys: 'k', what: 'The one before', run: () => go(at() < 0 ? 0 : at() - 1) },
    { keys: 'a', what: 'Allow, or approve the plan', run: () => withCurrent(allow) },
    { keys: 'd', what: 'Deny', run: () => withCurrent(deny) },
    { keys: '1-9', what: 'That option', run: (key) => withCurrent((asked) => option(asked, Number(key) - 1)) },
    {
      keys: 'Enter',
      what: 'Send what is chosen, or open its session',
      run: () =>
        withCurrent((asked) => {
          if (!send(asked)) route(`/sessions/${asked.session_id}`);
          return true;
        }),
    },
  ]);
  return current;
}

function allow(asked: WaitingInteraction): boolean {
  // What the list has shortened is to be read first: the button waits for it too.
  if (asked.subject.kind !== 'permission' || asked.shortened) return false;
  void sendAnswer(asked, { decision: 'allow' }, 'allow');
  return true;
}

function deny(asked: WaitingInteraction): boolean {
  if (asked.subject.kind !== 'permission') return false;
  const message = draftOf(asked.interaction_id).value.reason.trim();
  void sendAnswer(asked, { decision: 'deny', ...(message !== '' && { message }) }, 'deny');
  return true;
}

function option(asked: WaitingInteraction, index: number): boolean {
  const { subject, interaction_id } = asked;
  if (subject.kind !== 'question' || subject.questions.length !== 1) return false;
  const [question] = subject.questions;
  const label = question?.options[index]?.label;
  if (question === undefined || label === undefined) return false;
  if (isOneTap(subject.questions)) void sendAnswer(asked, { answer: label }, label);
  else setDraft(interaction_id, choose(draftOf(interaction_id).value, 0, label, question));
  return true;
}

function send(asked: WaitingInteraction): boolean {
  const { subject, interaction_id } = asked;
  if (subject.kind !== 'question' || answerState(interaction_id).value.kind === 'closed') return false;
  const answer = requestOf(subject.questions, draftOf(interaction_id).value);
  if ('missing' in answer) return false;
  void sendAnswer(asked, answer.request, 'send');
  return true;
}
