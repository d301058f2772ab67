import * as z from 'zod';
import { epoch, userName, uuid } from './ids.ts';

/** The kinds of tokens, by the `typ` of their header. A plain `JWT`, as any library makes it, is a user's. */
export const TokenType = { user: 'JWT', session: 'session+jwt', runner: 'runner+jwt' } as const;

/** `sub` is the owner of everything that is created with the token. */
export const userClaims = z.object({ sub: userName, exp: z.number() });
/** `sub` is the session. The token is valid for one epoch. */
export const sessionClaims = z.object({ sub: uuid, epoch, exp: z.number() });
/** `sub` is the runner's name: the same name means the same runner, with the same files. */
export const runnerClaims = z.object({ sub: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), exp: z.number() });
