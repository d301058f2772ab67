import * as z from 'zod';

/**
 * `POST /api/v1/runner/enrol`, with a one-time code as its token: from then on the edge knows the runner by its key. Each
 * connection of the runner has a token of a few minutes, signed by that key.
 */
export const enrolRequest = z.strictObject({
  /** An Ed25519 key as a JWK (RFC 8037). */
  public_key: z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be an Ed25519 public key'),
  }),
});

/** 201. The same code again with the same key changes nothing: the first answer may have been lost. */
export const enrolAnswer = z.object({ name: z.string() });
