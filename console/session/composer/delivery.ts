import type { SendOptions, SessionStatus } from '../../../client/main.ts';

/** How a message reaches an agent that is at work. */
export type Delivery = NonNullable<SendOptions['delivery']>;

/** The ways, in the order in which they are offered. */
export const DELIVERIES: readonly { readonly delivery: Delivery; readonly name: string; readonly means: string }[] = [
  { delivery: 'queue', name: 'Queue', means: 'It waits until this turn has ended.' },
  { delivery: 'steer', name: 'Steer', means: 'The agent gets it in this turn, after the tool that runs.' },
  { delivery: 'interrupt', name: 'Instead', means: 'This turn is interrupted, and it comes next.' },
];

/** How a message goes: as somebody has chosen, while there is a turn; otherwise there is nothing to choose. */
export const deliveryOf = (isBusy: boolean, chosen: Delivery): Delivery => (isBusy ? chosen : 'queue');

/** What a message does to a session that is not at work; null: nothing worth a word. */
export function whatSendingDoes(status: SessionStatus | null, reason: string | null): string | null {
  switch (status) {
    case 'stopped':
      return reason === 'budget_reached'
        ? 'The session is parked: its budget is spent. A message waits until the budget is raised under Settings.'
        : 'The session is parked. A message wakes it.';
    case 'failed':
      return 'The session has failed. A message starts it again.';
    case 'starting':
      return 'The session is starting. A message goes to it as soon as it is there.';
    case 'queued':
      return 'The session waits for a place. A message goes to it as soon as it is there.';
    default:
      return null;
  }
}
