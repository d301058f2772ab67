import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { feedOf } from '../../durable/rpc/gate-rpc.ts';
import { feedPage, type FeedEvent } from '../../protocol/api/feed.ts';
import { interactionSubject, waitingList, type WaitingInteraction } from '../../protocol/api/session/interaction.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { objectRefusal } from '../byte-answer.ts';
import { json, pageQuery, refusals } from '../contract.ts';
import { noteStream, tokenOf } from '../gate/revocations.ts';
import { directoryOf } from '../objects.ts';
import { refuse } from '../refuse.ts';

const waiting = createRoute({
  method: 'get',
  path: '/interactions',
  operationId: 'listWaiting',
  tags: ['Interactions'],
  summary: 'What waits for you in all your sessions: questions and permissions, the oldest first',
  description:
    'The list is brought up to date by the sessions: what is answered leaves it, and what is asked is in it, within a second, unless a part of the service is down. Questions of other owners’ sessions that you may answer are not in it.',
  ...securedFor('owner', 'sessions:read'),
  request: {
    query: pageQuery(
      z.string().regex(/^\d{1,16}(\.[0-9A-Fa-f-]{36}){2}$/, 'must be the `next_cursor` of a page'),
    ).extend({
      state: z.literal('open').default('open').meta({ description: 'Closed ones are in their session’s own list' }),
      kind: z.enum(interactionSubject.options.map(({ shape }) => shape.kind.value)).optional(),
      session_id: z.uuid().optional().meta({ description: 'Only what this session asks' }),
    }),
  },
  responses: { 200: json('A page', waitingList), ...refusals() },
});

const cursor = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const feed = createRoute({
  method: 'get',
  path: '/events',
  operationId: 'openFeed',
  tags: ['Events'],
  summary:
    'What changes in the list of your sessions and in what waits for you: JSON pages, or with `Accept: text/event-stream` live',
  description:
    'In the stream, each event’s `data` is a `FeedEvent`, its `id` the cursor after it: the next `after`, or `Last-Event-ID`. From the cursor 0 on, all that there is comes first, and `feed.live` when you have it. What has changed several times since the cursor comes once, as it is now. The stream never ends by itself: reconnect with the last `id`. What came just before a break may come twice.',
  ...securedFor('owner', 'sessions:read'),
  request: { query: z.strictObject({ after: cursor.optional() }) },
  responses: {
    200: {
      description: 'A page, or the stream',
      content: { 'application/json': { schema: feedPage }, 'text/event-stream': { schema: z.string() } },
    },
    ...refusals('viewer_limit_reached'),
  },
});

/** What an owner sees of all sessions at once: what waits, and what changes. */
export function addOverview(app: OpenAPIHono<AppEnv>): void {
  app.openapi(waiting, async (c) => {
    const { kind, session_id, cursor, limit } = c.req.valid('query');
    const query = { kind, session_id: session_id?.toLowerCase(), cursor, limit };
    const { data, next_cursor } = await directoryOf(c).inbox(query);
    return c.json({ data: JSON.parse(data) as WaitingInteraction[], next_cursor }, 200);
  });

  app.openapi(feed, async (c) => {
    const given = c.req.valid('query').after ?? 0;
    if (c.req.header('accept')?.includes('text/event-stream') !== true) {
      const page = await directoryOf(c).feedPage(given);
      return c.json({ ...page, data: JSON.parse(page.data) as FeedEvent[] }, 200);
    }
    const resumed = cursor.safeParse(c.req.header('last-event-id'));
    const after = resumed.success ? resumed.data : given;
    const { owner } = c.get('caller');
    const refused = await noteStream(c, feedOf(owner));
    if (refused !== null) return refuse(c, refused);
    const options = new URLSearchParams({ after: String(after), owner, ...tokenOf(c) });
    const url = `https://directory/feed?${options.toString()}`;
    const answer = await directoryOf(c).fetch(url, { signal: c.req.raw.signal });
    return answer.status < 400 ? answer : refuse(c, objectRefusal.parse(await answer.json()));
  });
}
