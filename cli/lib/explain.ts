import { CcDockerError } from '../../client/main.ts';
import { Failure } from './failure.ts';

/** How to log in to a service, as the command to type. */
const loginTo = (url: string) => `\`cc-docker login ${url}\` gets another.`;

/** What a person can do about a code of the API, where the service's own sentence is for programs. */
const REMEDIES: Readonly<Record<string, (url: string) => { readonly what?: string; readonly remedy: string }>> = {
  unreachable: (url) => ({
    what: `${url} does not answer`,
    remedy: 'Start it there (`cc-docker start`), or see what is wrong with `cc-docker doctor`.',
  }),
  bad_answer: (url) => ({
    what: `What answers at ${url} is not CC-Docker`,
    remedy: 'Choose the service with --context, or log in to it with `cc-docker login URL`.',
  }),
  token_missing: (url) => ({ what: 'The service asks for a token', remedy: loginTo(url) }),
  token_expired: (url) => ({ what: 'The token has expired', remedy: loginTo(url) }),
  token_revoked: (url) => ({ what: 'The token has been revoked', remedy: loginTo(url) }),
  token_invalid: (url) => ({ what: 'The service does not take the token', remedy: loginTo(url) }),
  session_not_found: () => ({ what: 'There is no such session', remedy: '`cc-docker ls` lists yours.' }),
  interaction_closed: () => ({
    what: 'It was answered otherwise, or is no longer asked',
    remedy: '`cc-docker inbox` shows what waits.',
  }),
  scope_missing: () => ({
    remedy:
      'Log in with a code that has it: `npm run --silent token -- --kind login --sub NAME --scope "…"` where the service runs.',
  }),
  not_ready: () => ({ remedy: '`cc-docker doctor` says what to do.' }),
};

/** The failure for a person of what the client threw; undefined: it is none of the client's. @param url of the service */
export function explain(error: unknown, url: string): Failure | undefined {
  if (!(error instanceof CcDockerError)) return undefined;
  const { code, detail } = error;
  const { what = detail, remedy } = REMEDIES[code]?.(url) ?? { remedy: '' };
  return new Failure(what, remedy, { code });
}
