import { signal, type Signal } from '@preact/signals';
import {
  CcDockerError,
  unwrap,
  type Interaction,
  type ResolveRequest,
  type WaitingInteraction,
} from '../../../client/main.ts';
import { onClosed, waiting } from '../../service/live.ts';
import { cc } from '../../service/service.ts';
import { addAnswered } from './answered.ts';
import { forgetDraft } from './drafts.ts';
import { outcomeOf, type Outcome } from './outcome.ts';

/**
 * How far an answer from this page is. `sending`: `pressed` says which button it came from. `failed`: it is asked as before, and
 * `reason` says why. `closed`: nothing is asked any more.
 */
export type AnswerState =
  | { readonly kind: 'open' }
  | { readonly kind: 'sending'; readonly pressed: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'closed'; readonly outcome: Outcome };

const OPEN: AnswerState = { kind: 'open' };
const states = new Map<string, Signal<AnswerState>>();

/** How far the answer to an interaction is. */
export function answerState(interactionId: string): Signal<AnswerState> {
  const known = states.get(interactionId);
  if (known !== undefined) return known;
  const state = signal<AnswerState>(OPEN);
  states.set(interactionId, state);
  return state;
}

type Asked = Interaction & Partial<Pick<WaitingInteraction, 'session'>>;

/** Sends an answer. What has become of it is in `answerState`. @param pressed which button it came from */
export async function sendAnswer(asked: Asked, request: ResolveRequest, pressed: string): Promise<void> {
  const { interaction_id: id, session_id } = asked;
  const state = answerState(id);
  if (state.value.kind === 'sending' || state.value.kind === 'closed') return;
  state.value = { kind: 'sending', pressed };
  try {
    const closed = await cc.session(session_id).answer(id, request);
    settle(asked, outcomeOf(closed, true));
    forgetDraft(id);
  } catch (error) {
    if (!(error instanceof CcDockerError)) throw error;
    // Somebody else was first, or the answer to the call was lost on its way.
    if (error.code === 'interaction_closed' || isGone(asked)) await learn(asked);
    else state.value = { kind: 'failed', reason: reasonOf(error) };
  }
}

/** It waited, and does not any more. (The log may show the card of one that the feed does not have yet.) */
const isGone = ({ interaction_id, session }: Asked) => session !== undefined && !waiting.value.has(interaction_id);

function reasonOf({ code, detail }: CcDockerError): string {
  if (code !== 'unreachable') return `Not sent: ${detail}`;
  return 'The service did not answer, so it is not known whether this has arrived. Press again: the same answer twice is fine.';
}

/** Asks how it has ended. */
async function learn(asked: Asked): Promise<void> {
  const { interaction_id, session_id } = asked;
  try {
    const path = { session_id, interaction_id };
    const call = cc.api.GET('/api/v1/sessions/{session_id}/interactions/{interaction_id}', { params: { path } });
    const closed = await unwrap(call);
    // The list said too early that it waits no more.
    if (closed.state === 'open') answerState(interaction_id).value = OPEN;
    else settle(asked, outcomeOf(closed, false));
  } catch (error) {
    if (!(error instanceof CcDockerError)) throw error;
    const isRemoved = error.code === 'session_not_found' || error.code === 'interaction_not_found';
    if (isRemoved) settle(asked, { text: 'Its session was removed', by: 'nobody' });
    else answerState(interaction_id).value = { kind: 'failed', reason: `It waits no more. ${error.detail}` };
  }
}

function settle(asked: Asked, outcome: Outcome): void {
  answerState(asked.interaction_id).value = { kind: 'closed', outcome };
  addAnswered(asked, outcome);
}

/** Learns how each ends that is answered elsewhere. @returns what ends that */
export function followAnswers(): () => void {
  return onClosed((was) => {
    const { kind } = answerState(was.interaction_id).value;
    if (kind === 'open' || kind === 'failed') void learn(was);
  });
}
