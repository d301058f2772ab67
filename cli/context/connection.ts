import type { Environment } from '../lib/cli.ts';
import { Failure, Misused } from '../lib/failure.ts';
import { readContexts } from './contexts.ts';

/** Which service is asked, and with which token. */
export interface Connection {
  /** The context's name; null: the environment says it all. */
  readonly name: string | null;
  /** Without a trailing slash. */
  readonly url: string;
  readonly token: string;
}

/**
 * The service that a command is for: `CC_DOCKER_URL` and `CC_DOCKER_TOKEN`, the context that is named, or the current one.
 *
 * @param wanted of `--context`
 * @throws Failure when the person is logged in to none
 */
export function chooseConnection(env: Environment, wanted?: string): Connection {
  const url = env['CC_DOCKER_URL'] ? serviceUrl(env['CC_DOCKER_URL']) : undefined;
  const token = env['CC_DOCKER_TOKEN'] || undefined;
  if (wanted === undefined && url !== undefined && token !== undefined) return { name: null, url, token };
  const { current, contexts } = readContexts(env);
  const name = wanted ?? env['CC_DOCKER_CONTEXT'] ?? (url === undefined ? current : nameOf(contexts, url));
  const found = name === null || name === undefined ? undefined : contexts[name];
  if (found !== undefined && name) {
    return wanted === undefined
      ? { name, url: url ?? found.url, token: token ?? found.token }
      : { name, url: found.url, token: found.token };
  }
  if (name) {
    const known = Object.keys(contexts);
    throw new Failure(
      `There is no context ${name}`,
      known.length === 0 ? '`cc-docker login URL` makes one.' : `There is ${known.join(', ')}.`,
    );
  }
  if (url !== undefined) throw new Failure(`No token for ${url}`, `\`cc-docker login ${url}\` gets one.`);
  throw new Failure(
    'You are not logged in',
    '`cc-docker login` does it on the machine of the service; elsewhere `cc-docker login URL --code CODE`.',
  );
}

const nameOf = (contexts: Readonly<Record<string, { readonly url: string }>>, url: string): string | null =>
  Object.keys(contexts).find((name) => contexts[name]?.url === url) ?? null;

/** A service's URL as it is kept: with a scheme, and without a slash at its end. */
export function serviceUrl(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new Misused(`${text} is no URL`, 'Such as http://127.0.0.1:8000.');
  return url.replace(/\/+$/, '');
}
