import type { PushAction, PushMessage } from '../../protocol/api/push.ts';
import { keyForWorker } from '../service/key-for-worker.ts';
import { actionsOf, countQuestions, show } from './notification.ts';
import { worker } from './scope.ts';

/** Somebody has pressed a notification. @param action the number of its button; empty: the notification itself */
export async function pressed(notification: Notification, action: string): Promise<void> {
  const message = notification.data as PushMessage;
  notification.close();
  const chosen = action === '' ? undefined : actionsOf(message)[Number(action)];
  if (chosen === undefined) await open(message.path);
  else await answer(message, chosen);
  await countQuestions();
}

/** A page of the console, in a window that is open if there is one. */
async function open(path: string): Promise<void> {
  const windows = await worker.clients.matchAll({ type: 'window' });
  const first = windows.find(({ focused }) => focused) ?? windows[0];
  if (first === undefined) {
    await worker.clients.openWindow(path);
    return;
  }
  // The page goes there itself, and loses nothing of what is in it.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client of this worker has its origin, and takes none
  first.postMessage({ open: path });
  await first.focus();
}

/** Answers what is asked, as who is signed in to this browser. What fails is said, and can be tried again. */
async function answer(message: PushMessage, chosen: PushAction): Promise<void> {
  const { session_id, interaction_id } = message;
  if (session_id === undefined || interaction_id === undefined) return await open(message.path);
  const why = await resolve(`/api/v1/sessions/${session_id}/interactions/${interaction_id}/resolve`, chosen);
  if (why === null) return;
  const { actions: _none, ...plain } = message;
  await show(why.isOver ? plain : message, { note: `Not answered: ${why.detail}` });
}

interface Failure {
  readonly detail: string;
  /** Another try would fail too. */
  readonly isOver: boolean;
}

/** @returns why it was not answered; null: it was */
async function resolve(url: string, { answer: body }: PushAction): Promise<Failure | null> {
  const headers = { 'content-type': 'application/json', 'x-cc-docker-console': (await keyForWorker()) ?? '' };
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch {
    return { detail: 'no connection to the service.', isOver: false };
  }
  if (response.ok) return null;
  if (response.status === 401) return { detail: 'nobody is signed in. Open the console.', isOver: false };
  if (response.status === 409) return { detail: 'somebody was first.', isOver: true };
  if (response.status === 404) return { detail: 'it is gone.', isOver: true };
  return { detail: `the service said ${response.status}.`, isOver: false };
}
