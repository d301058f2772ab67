import { expect } from 'vitest';
import type { User } from '../../../support/api.ts';

/** The oldest delivery of a session that waits; undefined: none does. */
export async function oldestWaiting(
  user: User,
  id: string,
): Promise<{ delivery_id: string; attempts: number } | undefined> {
  const { data } = (await user.call('GET', `/sessions/${id}/deliveries?state=waiting`)).body;
  return data.at(-1);
}

/** It is tried now: nobody waits for its next try here, unless that came sooner. */
export async function tryNow(user: User, id: string): Promise<void> {
  const waiting = await oldestWaiting(user, id);
  if (waiting === undefined) return;
  const { delivery_id } = waiting;
  const again = await user.call('POST', `/sessions/${id}/deliveries/${delivery_id}/redeliver`);
  expect(again.body).toMatchObject({ delivery_id, state: 'waiting' });
}
