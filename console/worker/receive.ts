import type { PushMessage } from '../../protocol/api/push.ts';
import { close, countQuestions, show } from './notification.ts';
import { worker } from './scope.ts';

/** Something was pushed. The service has encrypted it for this browser, so nobody else has made it. */
export async function received(data: PushMessageData | null): Promise<void> {
  const message = data?.json() as PushMessage | undefined;
  if (message === undefined) return;
  if (message.kind === 'closed') {
    // Shown first and without a sound: Safari ends a subscription whose pushes show nothing.
    await show(message, { silent: true });
    await close(message.tag);
  } else await show(message, { silent: await isLookedAt() });
  await countQuestions();
}

/** Whether somebody looks at the console now: what is new is on the screen then. */
async function isLookedAt(): Promise<boolean> {
  const windows = await worker.clients.matchAll({ type: 'window' });
  return windows.some(({ focused }) => focused);
}
