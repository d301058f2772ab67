import { createRoute, z, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { changeList, fileList, writtenFiles, type FilesRequest } from '../../../protocol/api/files/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { AppEnv, CallerEnv } from '../../app-env.ts';
import { secured, securedOrTicket } from '../../auth/authorise.ts';
import { SANDBOX_HEADERS, isNotModified, rangeOf, objectRefusal } from '../../byte-answer.ts';
import { attachment } from './content-disposition.ts';
import { json, refusals, sessionParams, ticketParam } from '../../contract.ts';
import { filesPath } from './files-path.ts';
import { sessionOf } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';

const flag = z.enum(['true', 'false']).default('false');
const bytes = z.string().meta({ format: 'binary' });

const pathParams = sessionParams.extend({
  path: z.string().meta({
    description: 'Within the workspace; it may hold slashes. Percent-encode what is special in a URL',
    example: 'src/main.ts',
  }),
});

const readQuery = z.strictObject({
  ticket: ticketParam,
  format: z.literal('tar').optional().meta({ description: 'The folder as a tar archive' }),
  recursive: flag,
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  cursor: z.string().max(8192).optional(),
});
const writeQuery = z.strictObject({
  format: z.enum(['tar', 'file']).optional().meta({
    description: '`tar`: unpack the body into that folder. Default: by the content type',
  }),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be octal permissions such as 0755')
    .optional(),
});
const deleteQuery = z.strictObject({ recursive: flag });
const diffQuery = z.strictObject({ format: z.enum(['json', 'patch']).optional() });

const read = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/files/{path}',
  operationId: 'readFile',
  tags: ['Files'],
  summary: 'A file’s bytes (`Range`), a folder’s entries, or with `?format=tar` the folder as an archive',
  description: 'The path may be empty: `…/files` is the workspace itself. `HEAD` says how large a file is.',
  ...audited('file.read', securedOrTicket('files:read')),
  request: {
    params: pathParams,
    query: readQuery,
    headers: z.object({ range: z.string().optional(), 'if-none-match': z.string().optional() }),
  },
  responses: {
    200: {
      description: 'The file, the folder’s entries, or the archive',
      content: {
        'application/octet-stream': { schema: bytes },
        'application/json': { schema: fileList },
        'application/x-tar': { schema: bytes },
      },
    },
    206: { description: 'The part', content: { 'application/octet-stream': { schema: bytes } } },
    304: { description: 'It is what you have' },
    ...refusals(
      'file_not_found',
      'path_invalid',
      'not_a_directory',
      'not_a_file',
      'range_not_satisfiable',
      'file_access_denied',
      'file_busy',
      'files_unavailable',
      'storage_unavailable',
    ),
  },
});

const write = createRoute({
  method: 'put',
  path: '/sessions/{session_id}/files/{path}',
  operationId: 'writeFile',
  tags: ['Files'],
  summary: 'Write a file, with the folders that it needs; or unpack a tar archive into a folder. Any size',
  ...audited('file.written', secured('new work', 'files:write')),
  request: {
    params: pathParams,
    query: writeQuery,
    body: { content: { 'application/octet-stream': { schema: bytes }, 'application/x-tar': { schema: bytes } } },
  },
  responses: {
    200: json('Written', writtenFiles),
    ...refusals(
      'path_invalid',
      'file_not_found',
      'not_a_file',
      'not_a_directory',
      'archive_invalid',
      'workspace_full',
      'quota_exceeded',
      'file_access_denied',
      'file_busy',
      'body_timeout',
      'files_unavailable',
      'storage_unavailable',
    ),
  },
});

const remove = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}/files/{path}',
  operationId: 'deleteFile',
  tags: ['Files'],
  summary: 'Delete a file, or with `?recursive=true` a folder and all that is in it',
  ...audited('file.written', secured('goes on', 'files:write')),
  request: { params: pathParams, query: deleteQuery },
  responses: {
    204: { description: 'Deleted' },
    ...refusals(
      'file_not_found',
      'path_invalid',
      'not_a_directory',
      'directory_not_empty',
      'file_access_denied',
      'file_busy',
      'files_unavailable',
      'storage_unavailable',
    ),
  },
});

const diff = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/diff',
  operationId: 'getDiff',
  tags: ['Files'],
  summary: 'What has changed since the session’s start: a list, or with `?format=patch` a patch for `git apply`',
  ...audited('file.read', secured('files:read')),
  request: { params: sessionParams, query: diffQuery },
  responses: {
    200: {
      description: 'The changes',
      content: { 'application/json': { schema: changeList }, 'text/x-diff': { schema: z.string() } },
    },
    ...refusals('files_unavailable', 'storage_unavailable'),
  },
});

/** Files of a session: list, read, write, delete, archives, and what has changed. */
export function addFiles(app: OpenAPIHono<AppEnv>): void {
  for (const route of routed(app, read)) {
    app.openapi(route, async (c) => {
      const named = filesPath(c.req.url);
      if ('refused' in named) return refuse(c, named);
      const { path } = named;
      const { format, recursive, limit, cursor } = c.req.valid('query');
      if (format === 'tar' || accepts(c, 'application/x-tar')) {
        const name = `${path.split('/').findLast((part) => part !== '') ?? 'workspace'}.tar`;
        return answer(c, { op: 'pack', path }, name);
      }
      const request = { op: 'read', path, recursive: recursive === 'true', limit, cursor: cursor ?? null } as const;
      return answer(c, { ...request, range: rangeOf(c), head_only: c.req.method === 'HEAD' });
    });
  }

  for (const route of routed(app, write)) {
    app.openapi(route, async (c) => {
      const named = filesPath(c.req.url);
      if ('refused' in named) return refuse(c, named);
      const { path } = named;
      const { format, mode } = c.req.valid('query');
      if (c.req.header('content-range') !== undefined) return refuse(c, NO_PARTS);
      const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
      if ((format ?? (type === 'application/x-tar' ? 'tar' : 'file')) === 'tar') {
        if (mode !== undefined) return refuse(c, NO_MODE);
        return answer(c, { op: 'unpack', path });
      }
      return answer(c, { op: 'write', path, mode: mode === undefined ? null : Number.parseInt(mode, 8) });
    });
  }

  for (const route of routed(app, remove)) {
    app.openapi(route, async (c) => {
      const named = filesPath(c.req.url);
      if ('refused' in named) return refuse(c, named);
      const recursive = c.req.valid('query').recursive === 'true';
      const done = await transfer(c, { op: 'delete', path: named.path, recursive });
      if ('refused' in done) return refuse(c, done);
      await done.response.body?.cancel();
      return c.body(null, 204);
    });
  }

  app.openapi(diff, (c) => {
    const patch = ['text/x-diff', 'text/x-patch', 'text/plain'].some((type) => accepts(c, type));
    return answer(c, { op: 'diff', format: c.req.valid('query').format ?? (patch ? 'patch' : 'json') });
  });
}

const NO_PARTS: Refusal = {
  refused: 'invalid_request',
  detail: 'A file is written whole: Content-Range is for answers.',
};
const NO_MODE: Refusal = {
  refused: 'invalid_request',
  detail: 'mode: is of a single file; in an archive each entry has its own.',
  errors: [{ path: 'mode', message: 'is of a single file; in an archive each entry has its own' }],
};

type C = Context<CallerEnv>;

/**
 * Documents a call whose path has slashes, which OpenAPI cannot describe, and returns the routes for it: the
 * workspace itself, with and without a slash, and everything in it. (A path may hold any character, even a newline, which
 * `.` does not match.)
 */
function routed<R extends RouteConfig>(app: OpenAPIHono<AppEnv>, route: R) {
  app.openAPIRegistry.registerPath(route);
  const { responses: _documented, ...call } = route;
  const base = '/sessions/{session_id}/files';
  const request: R['request'] = { ...route.request, params: sessionParams };
  const responses = { 200: { description: 'As documented' } };
  return [base, `${base}/`, `${base}/{path}{[\\s\\S]+}`].map((path) => ({
    ...call,
    path,
    request,
    responses,
    hide: true,
  }));
}

function accepts(c: C, type: string): boolean {
  const listed = c.req.header('accept')?.split(',') ?? [];
  return listed.some((one) => one.split(';')[0]?.trim().toLowerCase() === type);
}

/**
 * Asks the session for a transfer. The answer is its response, or a refusal. (The response is boxed, so that the two
 * can be told apart.)
 */
async function transfer(c: C, request: FilesRequest): Promise<{ readonly response: Response } | Refusal> {
  const found = await sessionOf(c);
  if ('refused' in found) return found;
  const query = new URLSearchParams({ owner: c.get('caller').owner, request: JSON.stringify(request) });
  const sends = request.op === 'write' || request.op === 'unpack';
  const response = await found.session.fetch(`https://session/files?${query.toString()}`, {
    ...(sends ? { method: 'PUT', body: c.req.raw.body } : {}),
    signal: c.req.raw.signal,
  });
  return response.status < 400 ? { response } : objectRefusal.parse(await response.json());
}

/** Headers of the runner's answer that are passed on unchanged. */
const PASSED = ['content-range', 'etag', 'last-modified'];

/** Answers with what the runner sends. */
async function answer(c: C, request: FilesRequest, savedAs?: string): Promise<Response> {
  const transferred = await transfer(c, request);
  if ('refused' in transferred) return refuse(c, transferred);
  const { response } = transferred;
  const etag = response.headers.get('etag');
  const ifRange = c.req.header('if-range');
  if (request.op === 'read' && response.status === 206 && ifRange !== undefined && ifRange !== etag) {
    // The client has a part of another version, so it needs the whole file (RFC 9110, 13.1.5).
    await response.body?.cancel();
    return answer(c, { ...request, range: null }, savedAs);
  }
  const type = response.headers.get('content-type') ?? 'application/octet-stream';
  const headers = new Headers({ ...SANDBOX_HEADERS, 'content-type': type });
  for (const name of PASSED) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (type === 'application/octet-stream') headers.set('accept-ranges', 'bytes');
  if (savedAs !== undefined) headers.set('content-disposition', attachment(savedAs));
  else if (type !== 'application/json') headers.set('content-disposition', 'attachment');
  if (etag !== null && isNotModified(c.req.header('if-none-match'), etag)) {
    await response.body?.cancel();
    return new Response(null, { status: 304, headers });
  }
  const size = response.headers.get('x-size');
  if (size !== null) headers.set('content-length', size);
  if (c.req.method === 'HEAD') await response.body?.cancel();
  return new Response(c.req.method === 'HEAD' ? null : response.body, { status: response.status, headers });
}
