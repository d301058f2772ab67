import { z } from '@hono/zod-openapi';
import type { Context, TypedResponse } from 'hono';
import { idempotencyKey } from '../protocol/api/session/message.ts';
import { problem, type ProblemCode } from '../protocol/api/problem.ts';
import type { JsonText } from '../protocol/json-text.ts';
import { answerWith } from './web/answer-headers.ts';

/** Parts that several descriptions of calls share. */

const id = (description: string) => z.string().meta({ description, example: '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f' });

/** Any string: one that is not a UUID is answered with 404, like an unknown session. */
export const sessionParams = z.object({ session_id: id('The session') });
export const messageParams = sessionParams.extend({ message_id: id('The message') });
export const wakeupParams = sessionParams.extend({ wakeup_id: id('The wake-up') });

export const interactionParams = sessionParams.extend({
  interaction_id: id('The question or permission'),
});

export const snapshotParams = sessionParams.extend({ snapshot_id: id('The snapshot') });
export const workspaceParams = z.object({
  workspace_id: z.string().meta({ description: 'The workspace', example: 'website' }),
});

/** In the query of calls that take a ticket. */
export const ticketParam = z.string().optional().meta({
  description: 'Of `POST …/tickets`, in place of a token: for browsers, which open this without headers',
});

/** A page of a list: what comes after `cursor`, which is the `next_cursor` of the page before. */
export const pageQuery = <T extends z.ZodType>(cursor: T) =>
  z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: cursor.optional() });

export const idempotencyHeader = z.object({
  'idempotency-key': idempotencyKey
    .optional()
    .meta({ description: 'The same key with the same body has its effect once; the answer is that of the first.' }),
});

export const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** An answer whose JSON is text already. Its type is that of what the text says, as of `c.json`. */
export function answerText<T extends object>(c: Context, text: JsonText<T>) {
  const answer = answerWith(c, text, { 'content-type': 'application/json' });
  return answer as Response & TypedResponse<T, 200, 'json'>;
}

export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});

/**
 * What a call may be refused with: the codes that are its own. What follows from what it declares, such as a token that is not valid, comes
 * besides (`functions/openapi/refusals.ts`).
 */
export const refusals = (...codes: readonly ProblemCode[]) => ({
  default: {
    description: 'Refused: the `code` says why',
    content: { 'application/problem+json': { schema: problem } },
    codes,
  },
});
