import { mintToken } from './mint-token.ts';

/** How long a code that a start prints is good, seconds. */
const CODE_SECONDS = 600;

/** The owner of what is made on this machine: with `npm start -- "PROMPT"`, and after a login with a code of a start. */
export const LOCAL_OWNER = 'local';

/** How to come in to a service that has just started, each once. */
export interface LoginWays {
  /** A link to the console. No server is sent what stands behind its `#`. */
  readonly open: string;
  /** The command with which another machine logs in. */
  readonly command: string;
}

/** The ways in to the service at `url`, with a code each. */
export async function loginWays(secret: string, url: string): Promise<LoginWays> {
  const code = () => mintToken(secret, { kind: 'login', sub: LOCAL_OWNER, ttlSeconds: CODE_SECONDS });
  return { open: `${url}/#code=${await code()}`, command: `cc-docker login ${url} --code ${await code()}` };
}
