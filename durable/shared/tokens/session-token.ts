import { errors, jwtVerify, SignJWT } from 'jose';
import { signingKey, type KeySettings } from '../../../protocol/token-keys.ts';
import { TokenType } from '../../../protocol/token.ts';

/**
 * Mints the token that opens the data socket of one session, for one epoch. It has no `exp`: how long a session waits and
 * works is not known, and the session takes nothing more of an epoch once the next one has begun. (The last words of a container
 * whose runner was away are still taken until then.)
 */
export async function mintSessionToken(settings: KeySettings, sessionId: string, epoch: number): Promise<string> {
  return new SignJWT({ epoch })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.session })
    .setSubject(sessionId)
    .setIssuedAt()
    .sign(await signingKey(settings, 'session'));
}

/** Whether the present key has signed it: not after another secret was set, nor for what an earlier version minted. */
export async function isOfPresentKey(settings: KeySettings, token: string): Promise<boolean> {
  try {
    await jwtVerify(token, await signingKey(settings, 'session'), { algorithms: ['HS256'] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}
