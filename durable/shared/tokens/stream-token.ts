import * as z from 'zod';

/** What a handler tells an object of the token that opens a stream, in the query: `token=` and JSON. */
const streamToken = z.object({
  jti: z.string().nullable(),
  issued: z.number().nullable(),
  of: z.string().optional(),
  expires: z.number(),
  address: z.string().nullable(),
});

export const streamTokenOf = (options: URLSearchParams): z.infer<typeof streamToken> =>
  streamToken.parse(JSON.parse(options.get('token') ?? ''));
