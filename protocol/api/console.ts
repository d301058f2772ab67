import * as z from 'zod';
import { SCOPES } from '../token.ts';
import { instant, userName, uuid } from '../ids.ts';

/** Who is signed in to a browser. */
export const browserSession = z.object({
  /** Of the session: another one after each sign-in. Null: the call has a token, which has none. */
  id: z.string().nullable(),
  sub: userName,
  /** The person's name, where what they signed in with says it. */
  name: z.string().nullable(),
  scopes: z.array(z.enum(SCOPES)),
  /** The one session of an agent that it is for, with those below it; null: all of the owner's. */
  sid: uuid.nullable(),
  expires_at: instant,
});

/** `GET /api/v1/console/session`. `session` null: nobody is signed in. `oidc` null: there is no provider to sign in with. */
export const signInState = z.object({
  session: browserSession.nullable(),
  oidc: z.object({ issuer: z.string() }).nullable(),
});
