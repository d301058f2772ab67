import { mintToken } from './mint-token.ts';

/** How long a code that a start prints is good, seconds. */
const CODE_SECONDS = 600;

/** The owner of what is made on this machine: with `npm start -- "PROMPT"`, and after a login with a code of a start. */
export const LOCAL_OWNER = 'local';

/** The command that logs in to a service that has just started, with a code that is good once. */
export async function loginCommand(secret: string, url: string): Promise<string> {
  const code = await mintToken(secret, { kind: 'login', sub: LOCAL_OWNER, ttlSeconds: CODE_SECONDS });
  return `cc-docker login ${url} --code ${code}`;
}
