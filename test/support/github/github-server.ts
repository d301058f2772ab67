import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TestCertificate } from '../net/certificate.ts';
import { gitBackend } from '../forges/git-backend.ts';
import { close, listen } from '../net/listen.ts';
import type { BareRepository } from './bare-repository.ts';
import { answerGraphql, type Answer } from './graphql.ts';
import { OWNER, PullRequests, REPOSITORY, type PullRequest } from './pull-requests.ts';

export interface GithubServer {
  readonly port: number;
  readonly pulls: readonly PullRequest[];
  /** What came in `Authorization`: of git, and of the API. */
  readonly authorizations: { git: Set<string>; api: Set<string> };
  /** Runs git on the repository itself. */
  git(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/**
 * GitHub, as far as the way from an issue to a pull request needs it: one private repository, `o/r`, at github.com, and the API
 * at api.github.com, both for who has the token. As at the real one, git takes a token by Basic alone, a stranger hears 404, or 401
 * where there was a token that is not good, and a pull request needs a branch that has been pushed and says something new.
 *
 * It answers to both names on one port.
 */
export async function startGithub(
  address: string,
  certificate: TestCertificate,
  token: string,
  repository: BareRepository,
): Promise<GithubServer> {
  const authorizations = { git: new Set<string>(), api: new Set<string>() };
  const pulls = new PullRequests(repository);
  const server = createServer(certificate, (request, response) => {
    const { host, authorization } = request.headers;
    const isApi = host === 'api.github.com';
    if (authorization !== undefined) authorizations[isApi ? 'api' : 'git'].add(authorization);
    if (isApi) void api(request, response);
    else if (host !== 'github.com') response.writeHead(421).end();
    else if (authorization === `Basic ${btoa(`x-access-token:${token}`)}`)
      void gitBackend(repository.root, request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
  });

  const api = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks).toString();
    const { authorization } = request.headers;
    const known = authorization === `Bearer ${token}` || authorization === `token ${token}`;
    const answer = known
      ? await route(request, body)
      : authorization === undefined && request.url !== '/graphql'
        ? NOT_FOUND
        : { status: 401, body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' } };
    response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'x-oauth-scopes': 'read:org, repo',
    });
    response.end(JSON.stringify(answer.body));
  };

  const route = async ({ method, url }: IncomingMessage, body: string): Promise<Answer> => {
    if (method === 'POST' && url === '/graphql') return await answerGraphql(pulls, body);
    // Whoever asks wants the token's scopes, which are in each answer's head.
    if (method === 'GET' && url === '/')
      return { status: 200, body: { current_user_url: 'https://api.github.com/user' } };
    if (method === 'GET' && url === '/user') return { status: 200, body: { login: OWNER } };
    if (method === 'GET' && url === `/repos/${OWNER}/${REPOSITORY}`)
      return { status: 200, body: { full_name: `${OWNER}/${REPOSITORY}`, private: true, default_branch: 'main' } };
    if (method === 'GET' && url === `/repos/${OWNER}/${REPOSITORY}/pulls`)
      return { status: 200, body: pulls.all.map(({ number, title, url: html_url }) => ({ number, title, html_url })) };
    return NOT_FOUND;
  };

  return {
    port: await listen(server, address),
    pulls: pulls.all,
    authorizations,
    git: repository.git,
    close: async () => await close(server),
  };
}

const NOT_FOUND: Answer = { status: 404, body: { message: 'Not Found' } };
