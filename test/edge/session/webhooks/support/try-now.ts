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

/** It is tried now: nobody waits for its next try here. */
export async function tryNow(user: User, id: string): Promise<void> {
  const { delivery_id = '' } = (await oldestWaiting(user, id)) ?? {};
  const again = await user.call('POST', `/sessions/${id}/deliveries/${delivery_id}/redeliver`);
  expect(again.body).toMatchObject({ delivery_id, state: 'waiting' });
}
