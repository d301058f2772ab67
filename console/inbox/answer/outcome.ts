import type { Interaction } from '../../../client/main.ts';

type Closed = Pick<Interaction, 'state' | 'resolution' | 'resolved_by'>;
type Resolution = NonNullable<Interaction['resolution']>;

/** How something that was asked has ended, in a few words. */
export interface Outcome {
  readonly text: string;
  /** `mine`: as it was sent from here. `other`: somebody else, or this person elsewhere. `nobody`: time or the agent ended it. */
  readonly by: 'mine' | 'other' | 'nobody';
}

/** @param mine whether it was answered from this page */
export function outcomeOf({ state, resolution, resolved_by }: Closed, mine: boolean): Outcome {
  if (state === 'resolved' && resolution !== null) {
    if (mine) return { text: resolutionText(resolution), by: 'mine' };
    const who = resolved_by === null ? '' : ` (by ${resolved_by})`;
    return { text: `Somebody was first: ${bare(resolution)}${who}`, by: 'other' };
  }
  if (state === 'expired') {
    const then = resolution === null ? 'it goes on without an answer' : bare(resolution);
    return { text: `Time was up: ${then}`, by: 'nobody' };
  }
  return { text: 'The agent waits no longer', by: 'nobody' };
}

/** What happens if nobody answers until the deadline. */
export function defaultText(fallback: Resolution | null): string {
  return fallback === null ? 'it goes on without an answer' : bare(fallback);
}

/** `Answered: teal`, `Denied`. */
function resolutionText(resolution: Resolution): string {
  const text = bare(resolution);
  return resolution.kind === 'answers' ? `Answered: ${text}` : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function bare(resolution: Resolution): string {
  if (resolution.kind === 'answers')
    return resolution.answers.map((answer) => (typeof answer === 'string' ? answer : answer.join(', '))).join(' · ');
  const { decision, message } = resolution;
  const word = { allow: 'allowed', allow_session: 'allowed for this session', deny: 'denied' }[decision];
  return message === null ? word : `${word}: ${message}`;
}
