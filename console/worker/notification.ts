import type { PushAction, PushMessage } from '../../protocol/api/push.ts';
import { visibleText } from '../safe/text/visible.ts';
import { worker } from './scope.ts';

/** What `showNotification` takes of platforms that have actions, which TypeScript's library does not know. */
interface Options extends NotificationOptions {
  readonly actions?: readonly { readonly action: string; readonly title: string }[];
  readonly renotify?: boolean;
  readonly timestamp?: number;
}

interface Looks {
  /** Comes without a sound. */
  readonly silent?: boolean;
  /** A line before its text. */
  readonly note?: string;
}

/** Longest title and text, characters. */
const MAX_TITLE = 150;
const MAX_TEXT = 500;

/** Shows a message. Agents have written parts of it: it is text, with what cannot be seen named. */
export async function show(message: PushMessage, { silent = false, note }: Looks = {}): Promise<void> {
  const text = message.text.split('\n').map((line) => visibleText(line, MAX_TEXT));
  const options: Options = {
    body: [...(note === undefined ? [] : [note]), ...text].join('\n').trim().slice(0, MAX_TEXT),
    tag: message.tag,
    data: message,
    icon: '/icons/icon-192.png',
    badge: '/icons/badge-96.png',
    timestamp: message.time,
    // What waits stays until somebody has seen it, and a reminder is heard.
    requireInteraction: message.kind === 'question',
    ...(silent ? { silent } : { renotify: true }),
    actions: actionsOf(message).map(({ label }, index) => ({ action: String(index), title: visibleText(label, 60) })),
  };
  await worker.registration.showNotification(visibleText(message.title, MAX_TITLE), options);
}

/** The buttons that this platform has room for: all of them or none, for two of three would read as if there were no third. */
export function actionsOf({ actions = [] }: PushMessage): readonly PushAction[] {
  const most =
    'maxActions' in Notification && typeof Notification.maxActions === 'number' ? Notification.maxActions : 0;
  if (actions.length <= most) return actions;
  // A permission for the whole session is a finer choice, for which there is the page.
  const plain = actions.filter(({ answer }) => !('decision' in answer && answer.decision === 'allow_session'));
  return plain.length <= most ? plain : [];
}

/** Takes away what is shown under a tag. */
export async function close(tag: string): Promise<void> {
  for (const shown of await worker.registration.getNotifications({ tag })) shown.close();
}

/** The number on the app's icon: the questions that are shown. While the console is open, it knows better, and sets it itself. */
export async function countQuestions(): Promise<void> {
  const shown = await worker.registration.getNotifications();
  const count = shown.filter(({ data }) => (data as PushMessage | null)?.kind === 'question').length;
  // Not all platforms have one.
  if ('setAppBadge' in worker.navigator) await worker.navigator.setAppBadge(count);
}
