import { SignJWT } from 'jose';
import { TokenType } from '../../../protocol/token.ts';

/** Longer than any container lives. A token becomes invalid earlier, when its epoch is over. */
const LIFETIME = '14d';

/** Mints the token that opens the data socket of one session, for one epoch. */
export function mintSessionToken(secret: string, sessionId: string, epoch: number): Promise<string> {
  return new SignJWT({ epoch })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.session })
    .setSubject(sessionId)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(new TextEncoder().encode(secret));
}
