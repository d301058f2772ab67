import type { RouteConfig } from '@hono/zod-openapi';
import * as z from 'zod';
import { PROBLEMS, type ProblemCode } from '../../protocol/api/problem.ts';
import type { Reach } from '../auth/authorise.ts';

/** Of every call: what stands before it, and what may happen to it. */
const OF_ALL: readonly ProblemCode[] = [
  'origin_refused',
  'host_unknown',
  'rate_limited',
  'disk_low',
  'not_configured',
  'redis_unavailable',
  'unavailable',
  'state_too_new',
  'internal_error',
];
const OF_TOKENS: readonly ProblemCode[] = [
  'token_missing',
  'token_invalid',
  'token_expired',
  'token_revoked',
  'scope_missing',
  'too_many_failed_tokens',
  'keys_unavailable',
];
const OF_JSON: readonly ProblemCode[] = ['invalid_json', 'body_timeout', 'body_too_large'];

const ALL = Object.keys(PROBLEMS) as ProblemCode[];

/** What is read of a route beside what OpenAPI knows. */
const declared = z.object({
  reach: z.custom<Reach>().optional(),
  responses: z.object({ default: z.object({ codes: z.array(z.enum(ALL)) }).optional() }),
});

/** What a route reaches, for a token that is bound to a session; undefined: it takes no token. */
export const reachOf = (route: RouteConfig): Reach | undefined => declared.parse(route).reach;

/** All with which a call may be refused: what it says itself, and what follows from what it declares. */
export function codesOf(route: RouteConfig): ProblemCode[] {
  const { method, path, request = {}, security = [] } = route;
  const { reach, responses } = declared.parse(route);
  // A file is written as it is.
  const writesFile = request.body?.content['application/octet-stream'] !== undefined;
  const readsJson = security.length > 0 && ['post', 'patch', 'put'].includes(method) && !writesFile;
  const isChecked =
    [request.body, request.query, request.headers].some((part) => part !== undefined) || refusesSome(request.params);
  const codes = new Set<ProblemCode>([
    ...(responses.default?.codes ?? []),
    ...OF_ALL,
    ...(security.length > 0 ? OF_TOKENS : []),
    ...(security.some((one) => 'ticket' in one) ? ['ticket_invalid' as const] : []),
    ...(reach === 'owner' ? ['token_bound' as const] : []),
    ...(path.includes('{session_id}') ? ['session_not_found' as const] : []),
    ...(readsJson ? OF_JSON : []),
    ...(isChecked ? ['invalid_request' as const] : []),
  ]);
  return ALL.filter((code) => codes.has(code));
}

/** A part of the path that no rule takes: too long, and of what no name has. */
const ODD = '\0'.repeat(10_000);

/** Whether some paths are refused for what stands in them. */
const refusesSome = (params: unknown) =>
  params instanceof z.ZodObject && Object.values(params.shape).some((part) => !z.safeParse(part, ODD).success);

const headers = {
  401: {
    'www-authenticate': { description: '`Bearer`, when a token is refused', schema: { type: 'string' } },
  },
  429: retryAfter('When the call may succeed, where that is known, in seconds'),
  503: retryAfter('When to try again, in seconds'),
} as const;

function retryAfter(description: string) {
  return { 'retry-after': { description, schema: { type: 'integer', minimum: 1 } } };
}

/** The answers to a refused call, by their status, and those codes of it that the call may get. */
export function refusedAnswers(route: RouteConfig): Record<string, RefusedAnswer> {
  const byStatus = Object.groupBy(codesOf(route), (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [
      status,
      { name: `refused-${status}-${codes.join('-')}`, answer: refusedAnswer(status, codes) },
    ]),
  );
}

/** Many calls have the same one: `name` is that of the component that it is. */
export interface RefusedAnswer {
  readonly name: string;
  readonly answer: Answer;
}

/** A response of OpenAPI. */
export interface Answer {
  readonly description?: string;
  readonly content?: object;
}

function refusedAnswer(status: string, codes: readonly ProblemCode[]): Answer {
  const narrowed = { type: 'object', properties: { code: { enum: codes } } };
  const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, narrowed] };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; '),
    ...(status in headers && { headers: headers[Number(status) as keyof typeof headers] }),
    content: { 'application/problem+json': { schema } },
  };
}
