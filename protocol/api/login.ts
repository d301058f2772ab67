import { userName } from '../ids.ts';
import { mintedToken } from './admin.ts';

/** How long the token of a login is good, seconds: 30 days. */
export const LOGIN_TTL_SECONDS = 30 * 86_400;

/** `POST /login`, with a one-time code in place of a token. `sub`: whose token it is. */
export const loginAnswer = mintedToken.extend({ sub: userName });
