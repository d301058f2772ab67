import type { Message, SessionEvent, SessionView } from '../../client/main.ts';

/** A message whose turn has not begun. */
export interface WaitingMessage {
  readonly id: string;
  /** As text; of blocks, with images and documents named in their places. */
  readonly prompt: string;
  /** Until when it waits for a usage limit of the model to be reset, ISO 8601; null: it does not. */
  readonly retryAt: string | null;
}

/** What a running turn answers. */
interface OpenTurn {
  /** The message's id, or that of a turn that the agent began itself. */
  readonly id: string;
  readonly origin: 'message' | 'agent';
  /** ISO 8601. */
  readonly startedAt: string;
}

/** What is known of a session besides its log. */
export interface SessionFacts {
  /** As `GET /sessions/{id}` has it. Status, settings and background tasks are as the last event says. */
  readonly view: SessionView;
  /** The first one first. */
  readonly waiting: readonly WaitingMessage[];
  /** Messages that the running turn answers (several, when some were steered into it), and turns of the agent's own. */
  readonly turns: readonly OpenTurn[];
  /** Counts up when files may have changed: with each result of a tool, and when a turn ends. */
  readonly worked: number;
}

/** As the lists of the API say it. */
export function factsOf(view: SessionView, waiting: readonly Message[], processing: readonly Message[]): SessionFacts {
  return {
    view,
    waiting: waiting.map(({ message_id, prompt, retry_at }) => ({ id: message_id, prompt, retryAt: retry_at })),
    turns: processing.map(({ message_id, started_at, created_at }) => ({
      id: message_id,
      origin: 'message',
      startedAt: started_at ?? created_at,
    })),
    worked: 0,
  };
}

/** After one more event. One that is there already changes nothing: the lists may be newer than the event. */
export function withEvent(facts: SessionFacts, event: SessionEvent): SessionFacts {
  switch (event.type) {
    case 'session.status': {
      const { status, reason, epoch } = event.data;
      const view = { ...facts.view, status, reason, epoch };
      // Without a container nothing runs.
      const isOver = status === 'stopped' || status === 'failed';
      return { ...facts, view, ...(isOver && { turns: facts.turns.filter(({ origin }) => origin === 'message') }) };
    }
    case 'session.settings': {
      const { model, permission_mode, title } = event.data;
      return { ...facts, view: { ...facts.view, model, permission_mode, title } };
    }
    case 'session.background_tasks':
      return { ...facts, view: { ...facts.view, background_tasks: event.data.tasks } };
    case 'message.queued': {
      const { message_id: id, prompt } = event.data;
      const isKnown = [...facts.waiting, ...facts.turns].some((known) => known.id === id);
      if (isKnown) return facts;
      return { ...facts, waiting: [...facts.waiting, { id, prompt, retryAt: null }] };
    }
    case 'message.processing':
      return begun(without(facts, event.data.message_id), event.data.message_id, 'message', event.time);
    case 'message.held': {
      const { message_id: id, retry_at: retryAt } = event.data;
      const prompt = facts.waiting.find((message) => message.id === id)?.prompt ?? '';
      const left = without(facts, id);
      return { ...left, waiting: [{ id, prompt, retryAt }, ...left.waiting] };
    }
    case 'message.completed':
    case 'message.failed':
    case 'message.interrupted':
      return worked(without(facts, event.data.message_id));
    case 'turn.started':
      return begun(facts, event.data.turn_id, 'agent', event.time);
    case 'turn.ended':
      return worked(without(facts, event.data.turn_id));
    case 'user':
      return worked(facts);
    default:
      return facts;
  }
}

/** Whether the event changes what only `GET /sessions/{id}` says: costs, turns, where the files are. */
export const changesView = ({ type }: SessionEvent): boolean => CHANGING.has(type);
const CHANGING: ReadonlySet<string> = new Set([
  'session.status',
  'message.completed',
  'message.failed',
  'message.interrupted',
  'turn.ended',
  'workspace.snapshot',
  'workspace.restored',
  'interaction.opened',
  'interaction.closed',
  'child.spawned',
  'session.budget',
]);

function without(facts: SessionFacts, id: string): SessionFacts {
  const isOther = (known: { readonly id: string }) => known.id !== id;
  return { ...facts, waiting: facts.waiting.filter(isOther), turns: facts.turns.filter(isOther) };
}

function begun(facts: SessionFacts, id: string, origin: OpenTurn['origin'], startedAt: string): SessionFacts {
  if (facts.turns.some((turn) => turn.id === id)) return facts;
  return { ...facts, turns: [...facts.turns, { id, origin, startedAt }] };
}

const worked = (facts: SessionFacts): SessionFacts => ({ ...facts, worked: facts.worked + 1 });
