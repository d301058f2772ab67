import { CcDockerError } from '../../client/main.ts';
import { CookieNotKept } from '../service/sign-in.ts';

const ANOTHER =
  'Where the service runs, `npm start` prints another link, and `npm run --silent token -- --sub NAME` another token.';

const WHY: Readonly<Record<string, string>> = {
  token_missing: 'Paste a token or a one-time code.',
  token_invalid: `This is no token or code of this service. Was all of it copied? ${ANOTHER}`,
  token_expired: `Its time is over. ${ANOTHER}`,
  token_revoked: `It was revoked. ${ANOTHER}`,
  login_code_used: `This link or code was used before: each is good once. ${ANOTHER}`,
  keys_unavailable: 'The keys of the provider that made this token cannot be had just now. Try again in a few seconds.',
};

/** Whether the service did not answer at all. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof CcDockerError && error.code === 'unreachable';

/** Why somebody could not sign in, and what to do, in words for them. @throws what is no refusal */
export function whyNot(error: unknown): string {
  if (error instanceof CookieNotKept) {
    const plain = location.protocol === 'http:' ? ' Is there an https:// address of this service? Open that one.' : '';
    return `The browser did not keep the sign-in. Allow cookies for ${location.host}.${plain}`;
  }
  if (!(error instanceof CcDockerError)) throw error;
  if (error.code === 'unreachable')
    return 'The service does not answer. Is it running, and is this device on its network? Try again.';
  if (error.retryAfterMs !== undefined)
    return `Too many tries from this network. Wait ${Math.ceil(error.retryAfterMs / 1000)} s, and try again.`;
  return WHY[error.code] ?? error.detail;
}
