import type { Prompt } from '../../../protocol/content/blocks.ts';
import { blocksOf, promptText } from '../../../protocol/content/prompt.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { utf8Bytes } from '../../shared/text/utf8-bytes.ts';

/** How much may wait in a session. */
export type QueueBound = Pick<EdgeSettings, 'MAX_QUEUE_MB'>;

const MB = 1024 * 1024;

/** What a prompt takes while it waits, bytes: its text, or its blocks as JSON, in UTF-8. */
export function promptBytes(prompt: Prompt): number {
  const blocks = blocksOf(prompt);
  return utf8Bytes(blocks === undefined ? promptText(prompt) : JSON.stringify(blocks));
}

/**
 * The refusal of a message for which there is no room among those that wait; null: there is.
 *
 * @param waiting bytes that wait already
 * @param adds bytes of the message
 */
export function queueExcess(waiting: number, adds: number, { MAX_QUEUE_MB }: QueueBound): Refusal | null {
  if (MAX_QUEUE_MB === 0 || waiting + adds <= MAX_QUEUE_MB * MB) return null;
  const mb = (bytes: number) => (bytes / MB).toFixed(1);
  const bound = `${MAX_QUEUE_MB} MB of messages may wait in a session (MAX_QUEUE_MB)`;
  const detail =
    adds > MAX_QUEUE_MB * MB
      ? `${bound}, and this one alone has ${mb(adds)} MB. Send less, or put it into a file of the workspace.`
      : `${bound}: ${mb(waiting)} MB do, and this one has ${mb(adds)} MB. Let some finish, or withdraw some.`;
  return { refused: 'queue_full', detail };
}
