import * as z from 'zod';
import { uuid } from '../ids.ts';
import { waitingInteraction } from './session/interaction.ts';
import { sessionSummary } from './session/session.ts';

/** The owner's feed: what changes in the list of sessions, and in what waits for people. docs/feed.md */

/** A session of the feed: a row of the list, without the address of its stream. */
export const feedSession = sessionSummary.omit({ websocket_url: true });

/** `cursor`: the `after` of a connection that goes on behind this event. It grows from one event to the next. */
const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ cursor: z.int().min(0), type: z.literal(type), data });

/** `GET /events`: one event. An event may come twice, after a break; what it says holds until the next one about the same. */
export const feedEvent = z.discriminatedUnion('type', [
  /** A session is new, or what the list shows of it has changed. */
  event('session.changed', feedSession),
  /** A session is removed, and with it whatever waited in it. */
  event('session.removed', z.object({ session_id: uuid })),
  /** Something waits for people, or what is shown of it has changed. */
  event('interaction.opened', waitingInteraction),
  /** It waits no more: it was answered, its deadline has passed, or the agent waits no longer. */
  event('interaction.closed', z.object({ session_id: uuid, interaction_id: uuid })),
  /** What has gone since the cursor is not known any more. Forget what you know: all that there is follows. */
  event('feed.gap', z.object({})),
  /** All that had changed before the connection has been sent. What follows is live. */
  event('feed.live', z.object({})),
]);
export type FeedEvent = z.infer<typeof feedEvent>;

/** `GET /events` without a stream: some of what has changed after the cursor. */
export const feedPage = z.object({
  data: z.array(feedEvent),
  /** The next `after`; null: the page is all that there is. */
  next_cursor: z.string().nullable(),
  /** The cursor of the last change: the `after` from which on nothing is missed. */
  last_cursor: z.int(),
});
