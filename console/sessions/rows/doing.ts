import type { FeedSession } from '../../../client/main.ts';

const WORDS: Readonly<Record<FeedSession['status'], string>> = {
  queued: 'Waits for a place',
  starting: 'Starts',
  idle: 'Waits for a message',
  running: 'Works',
  stopped: 'Stopped: a message wakes it',
  failed: 'Failed: a message tries again',
};

/**
 * What a session does now, as far as the list knows: what it asks, why it waits or has ended, or its status in words.
 *
 * @param asked what waits for people in it, in a line; undefined: nothing does
 */
export function doingText({ status, reason, open_interactions }: FeedSession, asked: string | undefined): string {
  if (asked !== undefined) return `Asks: ${asked}`;
  if (open_interactions > 0) return 'Waits for an answer';
  if (reason !== null && status !== 'running' && status !== 'idle') return reason.detail;
  return WORDS[status];
}
