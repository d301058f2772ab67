import { z } from 'zod';
import { interactionList, interactionView, type InteractionView } from '../../protocol/api/session/interaction.ts';
import { messageView } from '../../protocol/api/session/message.ts';
import { sessionView } from '../../protocol/api/session/session.ts';
import { pathOf, type Answered, type Api } from './api.ts';

/** A question or permission, as an agent sees it. */
export const shownInteraction = interactionView.pick({
  interaction_id: true,
  state: true,
  subject: true,
  priority: true,
  created_at: true,
  deadline: true,
  default: true,
  detached: true,
  resolved_by: true,
  resolution: true,
});

/** The longest tool input that an agent is shown with a permission, JSON characters. */
const MAX_AGENT_INPUT = 20_000;

export function shownInteractionOf(view: InteractionView): z.infer<typeof shownInteraction> {
  const item = shownInteraction.parse(view);
  const { subject } = item;
  if (subject.kind !== 'permission' || JSON.stringify(subject.input).length <= MAX_AGENT_INPUT) return item;
  return { ...item, subject: { ...subject, input: null } };
}

/** What has become of a message so far. */
export const outcome = z.object({
  session_id: messageView.shape.session_id,
  message_id: messageView.shape.message_id,
  /** `needs_answer`: the agent asks something, and goes on when it is answered. `paused`: the budget is spent. */
  state: z.enum(['completed', 'failed', 'interrupted', 'working', 'needs_answer', 'paused']),
  /** What the agent said last. */
  result: z.string().nullable(),
  error: messageView.shape.error,
  /** For this message alone. */
  total_cost_usd: z.number().nullable(),
  duration_ms: z.number().nullable(),
  /** What the agent asks and waits for. */
  asked: z.array(shownInteraction),
  /** What to do next; null: nothing. */
  next_step: z.string().nullable(),
});
export type Outcome = z.infer<typeof outcome>;

const sessionState = sessionView.pick({ status: true, reason: true, last_seq: true, open_interactions: true });

/** The state of a message, and the `seq` of the newest event that it includes. */
export interface SeenOutcome {
  readonly outcome: Outcome;
  readonly last_seq: number;
}

const WAIT =
  'It goes on. Call wait_for_result again with this session_id and message_id; get_events shows what it does.';
const ANSWER =
  'Answer with answer_interaction if you know the answer, or ask your user; then call wait_for_result again. If somebody else answers, call wait_for_result with return_on_question false.';
const RAISE = 'Do not wait: nothing happens until a person raises the budget. Tell your user.';

/** Reads the state of a message and its session. */
export async function readOutcome(api: Api, session_id: string, message_id: string): Promise<Answered<SeenOutcome>> {
  // The session comes first: then the events after its `last_seq` can be waited for, and none is missed in between.
  const session = await api.call(sessionState, 'GET', pathOf('/sessions/{}', session_id));
  if ('problem' in session) return session;
  const message = await api.call(messageView, 'GET', pathOf('/sessions/{}/messages/{}', session_id, message_id));
  if ('problem' in message) return message;
  const { status, settled_at, result = null, error, total_cost_usd = null, duration_ms = null } = message.data;
  const { last_seq, reason, open_interactions } = session.data;
  const of = (
    state: Outcome['state'],
    next_step: string | null = null,
    asked: Outcome['asked'] = [],
  ): Answered<SeenOutcome> => ({
    data: {
      last_seq,
      outcome: { session_id, message_id, state, result, error, total_cost_usd, duration_ms, asked, next_step },
    },
  });
  // Before it has settled, its subagents still work on what was asked.
  const isOver = status === 'completed' || status === 'failed' || status === 'interrupted';
  if (isOver && settled_at !== null) return of(status);

  const asked = open_interactions === 0 ? { data: [] } : await openInteractions(api, session_id);
  if ('problem' in asked) return asked;
  if (asked.data.length > 0) return of('needs_answer', ANSWER, asked.data);
  if (reason?.code === 'budget_reached') return of('paused', `${RAISE} ${reason.detail}`);
  return of('working', status === 'queued' && reason !== null ? `${WAIT} It has not begun: ${reason.detail}` : WAIT);
}

/** What the running turn waits for. Nobody waits for a `detached` one: its answer becomes a message of its own. */
async function openInteractions(api: Api, session_id: string): Promise<Answered<z.infer<typeof shownInteraction>[]>> {
  const path = `${pathOf('/sessions/{}/interactions', session_id)}?state=open&limit=50`;
  const page = await api.call(interactionList, 'GET', path);
  if ('problem' in page) return page;
  return { data: page.data.data.filter(({ detached }) => !detached).map(shownInteractionOf) };
}
