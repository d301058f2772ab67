import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { eventPage } from '../../../protocol/api/session/event.ts';
import { sessionOf } from '../../objects.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../../../protocol/api/problem.ts';
import type { AppEnv } from '../../app-env.ts';
import { securedOrTicket } from '../../auth/authorise.ts';
import { objectRefusal } from '../../byte-answer.ts';
import { refusals, sessionParams, ticketParam } from '../../contract.ts';
import { noteStream, tokenOf } from '../../gate/revocations.ts';
import { refuse } from '../../refuse.ts';
import { parseTraceparent } from '../../../protocol/trace/context.ts';
import { traceOf } from '../../telemetry/trace.ts';

const cursor = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const page = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/events',
  operationId: 'listEvents',
  tags: ['Events'],
  summary: 'The log after a cursor: JSON pages, or with `Accept: text/event-stream` live (`Last-Event-ID` resumes)',
  description:
    'In the live stream, each event’s `id` is its `seq`, its `event` its `type`, and its `data` the event as in a page. Previews have no `id`. The stream never ends by itself: reconnect with the last `id`, and nothing is missed.',
  ...securedOrTicket('sessions:read'),
  request: {
    params: sessionParams,
    query: z.strictObject({
      ticket: ticketParam,
      after: cursor.optional(),
      before: cursor.optional().meta({
        description:
          'Of pages only: the events just before this `seq`, in place of those after `after`. One beyond the log’s end is its end: `9007199254740991` gives the newest',
      }),
      since: z.iso.datetime({ offset: true }).optional().meta({
        description: 'Of pages only: the events from this time on, in place of those after `after`',
        example: '2026-11-30T12:00:00Z',
      }),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
      previews: z.enum(['true', 'false']).default('false').meta({
        description: 'Of the live stream only: also what the agent is writing, token by token (`stream_event`)',
      }),
    }),
  },
  responses: {
    200: {
      description:
        'A page, the oldest event first (`next_cursor` is the next `after`, null at the log’s end; `prev_cursor` the next `before`, null at its beginning), or the stream',
      content: {
        'application/json': { schema: eventPage },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...refusals('viewer_limit_reached'),
  },
});

const stream = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/stream',
  operationId: 'openStream',
  tags: ['Events'],
  summary: 'WebSocket: events live and, with `after`, from any point; takes prompt, interrupt, resolve, ack and ping',
  description:
    'With `after`, each frame of the server is an array of events (`Event`) and previews (`Preview`, without `seq`), or one `ViewerAnswer`. The client sends `ViewerFrame`s: `prompt` and `interrupt` need `sessions:write`, `resolve` needs `interactions:answer`.',
  ...securedOrTicket('sessions:read'),
  request: {
    params: sessionParams,
    query: z.strictObject({
      ticket: ticketParam,
      after: cursor.optional(),
      format: z.enum(['events', 'messages']).optional().meta({
        description:
          'Arrays of events, or the seed’s dialect: one of Claude Code’s messages a frame. Default: events when `after` is given',
      }),
      acks: z.enum(['true', 'false']).default('false').meta({
        description:
          'The client sends `{"type":"ack","seq":N}` for what it has read, and is sent no more than it keeps up with',
      }),
    }),
  },
  responses: { 101: { description: 'The stream' }, ...refusals('viewer_limit_reached', 'upgrade_required') },
});

/** A client that waits beyond the log's end would miss the events until then. */
const beyondEnd = (after: number, last: number): Refusal => ({
  refused: 'invalid_request',
  detail: `The cursor is ${after}, but the log ends at ${last}.`,
});

const PREVIEWS_ARE_LIVE: Refusal = {
  refused: 'invalid_request',
  detail: 'previews: they are not stored, so a page has none. Send Accept: text/event-stream for the live stream.',
};

const ONE_PLACE: Refusal = {
  refused: 'invalid_request',
  detail: 'after, before, since: a page begins at one of them, and a live stream goes on after `after`.',
};

const flag = (value: 'true' | 'false') => (value === 'true' ? '1' : '0');

/** The log: pages, Server-Sent Events, and the WebSocket. */
export function addEvents(app: OpenAPIHono<AppEnv>): void {
  app.openapi(page, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { id, session } = found;
    const { after, before, since, limit, previews } = c.req.valid('query');
    const live = c.req.header('accept')?.includes('text/event-stream') ?? false;
    const places = [after, before, since].filter((place) => place !== undefined);
    if (places.length > 1 || (live && places[0] !== after)) return refuse(c, ONE_PLACE);
    const resumed = live ? cursor.safeParse(c.req.header('last-event-id')) : null;
    const from = resumed?.success === true ? resumed.data : (after ?? 0);
    if (live) {
      const last = await session.lastSeq(c.get('caller').owner);
      if (typeof last !== 'number') return refuse(c, last);
      if (from > last) return refuse(c, beyondEnd(from, last));
      const options = new URLSearchParams({ after: String(from), previews: flag(previews), ...tokenOf(c) });
      const refused = await noteStream(c, id);
      if (refused !== null) return refuse(c, refused);
      const answer = await session.fetch(`https://session/events?${options.toString()}`, { signal: c.req.raw.signal });
      return answer.status < 400 ? answer : refuse(c, objectRefusal.parse(await answer.json()));
    }
    if (previews === 'true') return refuse(c, PREVIEWS_ARE_LIVE);
    const { owner } = c.get('caller');
    const events =
      before !== undefined
        ? await session.eventsAt(owner, { before }, limit)
        : since !== undefined
          ? await session.eventsAt(owner, { since: Date.parse(since) }, limit)
          : await session.events(owner, from, limit);
    if ('refused' in events) return refuse(c, events);
    return new Response(events.json, { headers: { 'content-type': 'application/json' } });
  });

  app.openapi(stream, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { id, session } = found;
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      const detail =
        'Open it with a WebSocket client. For plain HTTP there is GET …/events with Accept: text/event-stream.';
      return refuse(c, { refused: 'upgrade_required', detail });
    }
    const last = await session.lastSeq(c.get('caller').owner);
    if (typeof last !== 'number') return refuse(c, SESSION_NOT_FOUND);
    const { after, format, acks } = c.req.valid('query');
    if (after !== undefined && after > last) return refuse(c, beyondEnd(after, last));
    // A connection without a cursor is the seed's: each frame is one of Claude Code's messages. A cursor, or `format`,
    // asks for events.
    const plain = (format ?? (after === undefined ? 'messages' : 'events')) === 'messages';
    const options = new URLSearchParams({ plain: plain ? '1' : '0', acks: flag(acks), ...tokenOf(c) });
    const refused = await noteStream(c, id);
    if (refused !== null) return refuse(c, refused);
    // What it may send is checked by the session, frame by frame.
    options.set('scopes', c.get('caller').scopes.join(' '));
    if (after !== undefined) options.set('after', String(after));
    // Not a trace that the edge has begun: what comes in hours would all be in that one.
    const isFollowed = parseTraceparent(c.req.header('traceparent')) !== null;
    const trace = isFollowed ? traceOf(c) : undefined;
    if (trace !== undefined) options.set('traceparent', trace);
    const answer = await session.fetch(`https://session/viewer?${options.toString()}`, {
      headers: { upgrade: 'websocket' },
    });
    return answer.status < 400 ? answer : refuse(c, objectRefusal.parse(await answer.json()));
  });
}
