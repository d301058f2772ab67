import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { artifactList, artifactView } from '../../../protocol/api/files/artifact.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured, securedOrTicket } from '../../auth/authorise.ts';
import { SANDBOX_HEADERS, isNotModified, rangeOf, objectRefusal } from '../../byte-answer.ts';
import { attachment } from './content-disposition.ts';
import { json, pageQuery, refusals, sessionParams, ticketParam } from '../../contract.ts';
import { sessionOf } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';

const bytes = z.string().meta({ format: 'binary' });
const artifactParams = sessionParams.extend({
  artifact_id: z.string().meta({ description: 'The artifact' }),
});
const cursor = z.string().regex(/^\d{1,15}$/, 'must be the next_cursor of the page before');

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/artifacts',
  operationId: 'listArtifacts',
  tags: ['Artifacts'],
  summary: 'Files that the session’s agent has given to people, the oldest first',
  ...secured('files:read'),
  request: { params: sessionParams, query: pageQuery(cursor) },
  responses: { 200: json('A page', artifactList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/artifacts/{artifact_id}',
  operationId: 'getArtifact',
  tags: ['Artifacts'],
  summary: 'One of them: what it is',
  ...secured('files:read'),
  request: { params: artifactParams },
  responses: { 200: json('The artifact', artifactView), ...refusals('artifact_not_found') },
});

const content = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/artifacts/{artifact_id}/content',
  operationId: 'downloadArtifact',
  tags: ['Artifacts'],
  summary: 'Its bytes (`Range`), whether the session runs or not',
  ...audited('file.read', securedOrTicket('files:read')),
  request: {
    params: artifactParams,
    query: z.object({ ticket: ticketParam }),
    headers: z.object({
      range: z.string().optional(),
      'if-range': z.string().optional(),
      'if-none-match': z.string().optional(),
    }),
  },
  responses: {
    200: { description: 'The file as it was shared', content: { 'application/octet-stream': { schema: bytes } } },
    206: { description: 'The part', content: { 'application/octet-stream': { schema: bytes } } },
    304: { description: 'It is what you have' },
    ...refusals('artifact_not_found', 'range_not_satisfiable', 'files_unavailable', 'storage_unavailable'),
  },
});

const remove = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}/artifacts/{artifact_id}',
  operationId: 'deleteArtifact',
  tags: ['Artifacts'],
  summary: 'Delete the copy; the file in the workspace stays',
  ...audited('file.written', secured('goes on', 'files:write')),
  request: { params: artifactParams },
  responses: {
    204: { description: 'Deleted' },
    ...refusals('artifact_not_found', 'files_unavailable', 'storage_unavailable'),
  },
});

/** Files that agents give to people. */
export function addArtifacts(app: OpenAPIHono<AppEnv>): void {
  app.openapi(list, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { cursor: after = '0', limit } = c.req.valid('query');
    const page = await found.session.artifacts(c.get('caller').owner, Number(after), limit);
    return 'refused' in page ? refuse(c, page) : c.json({ data: [...page.data], next_cursor: page.next_cursor }, 200);
  });

  app.openapi(show, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const view = await found.session.artifact(c.get('caller').owner, c.req.valid('param').artifact_id.toLowerCase());
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(content, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const owner = c.get('caller').owner;
    const view = await session.artifact(owner, c.req.valid('param').artifact_id.toLowerCase());
    if ('refused' in view) return refuse(c, view);
    const etag = `"${view.sha256}"`;
    const headers = new Headers({
      ...SANDBOX_HEADERS,
      'content-type': 'application/octet-stream',
      'content-disposition': attachment(view.name),
      'accept-ranges': 'bytes',
      etag,
    });
    if (isNotModified(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
    headers.set('content-length', String(view.bytes));
    if (c.req.method === 'HEAD') return new Response(null, { headers });
    const query = new URLSearchParams({ owner, id: view.artifact_id });
    // A part of another version is of no use to the client (RFC 9110, 13.1.5), so it gets the whole file.
    const range = (c.req.header('if-range') ?? etag) === etag ? rangeOf(c) : null;
    if (range !== null) query.set('range', range);
    const response = await session.fetch(`https://session/artifact?${query.toString()}`, { signal: c.req.raw.signal });
    if (response.status >= 400) return refuse(c, objectRefusal.parse(await response.json()));
    headers.set('content-length', response.headers.get('x-size') ?? String(view.bytes));
    const part = response.headers.get('content-range');
    if (part !== null) headers.set('content-range', part);
    return new Response(response.body, { status: response.status, headers });
  });

  app.openapi(remove, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const done = await found.session.removeArtifact(
      c.get('caller').owner,
      c.req.valid('param').artifact_id.toLowerCase(),
    );
    return 'refused' in done ? refuse(c, done) : c.body(null, 204);
  });
}
