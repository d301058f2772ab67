import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { TestCertificate } from '../net/certificate.ts';
import { gitBackend } from './git-backend.ts';
import type { BareRepository } from '../github/bare-repository.ts';
import { close, listen } from '../net/listen.ts';
import { installHooks } from './push-hooks.ts';

/** A request to merge, however it was opened. */
interface Proposal {
  head: string;
  base: string;
  title: string;
  body: string;
}

interface Answer {
  status: number;
  body: unknown;
}

export interface ForgeServer {
  readonly port: number;
  /** What came in `Authorization`: of git, and of the API. */
  readonly authorizations: { git: Set<string>; api: Set<string> };
  proposals(): Promise<Proposal[]>;
  close(): Promise<void>;
}

interface Rules {
  /** The start of the API's paths. */
  api: string;
  /** Whether the API takes whoever asks. */
  knows(headers: IncomingMessage['headers'], token: string): boolean;
  /** What it answers to one whom it does not know. */
  stranger: Answer;
  route(call: string, body: string, proposals: Proposal[]): Answer;
}

const ISSUE = { title: 'Greet', text: 'Please add a file that greets.' };
const newPull = z.object({ head: z.string(), base: z.string(), title: z.string(), body: z.string() });

/**
 * What differs between the two, from their documentation. GitLab takes `PRIVATE-TOKEN` and `JOB-TOKEN` before `Authorization`,
 * and looks no further if one of them is wrong. Gitea's `Authorization` is `token …`: a Bearer was for OAuth alone in old versions.
 */
const RULES: Readonly<Record<'gitlab' | 'gitea', Rules>> = {
  gitlab: {
    api: '/api/v4/',
    knows: (headers, token) => {
      const own = headers['private-token'] ?? headers['job-token'];
      return own === undefined ? headers.authorization === `Bearer ${token}` : own === token;
    },
    stranger: { status: 404, body: { message: '404 Project Not Found' } },
    route: (call, _, proposals) => {
      if (call === 'GET projects/o%2Fr/issues/7')
        return { status: 200, body: { iid: 7, title: ISSUE.title, description: ISSUE.text } };
      if (call === 'GET projects/o%2Fr/merge_requests') return { status: 200, body: proposals };
      return { status: 404, body: { message: '404 Not Found' } };
    },
  },
  gitea: {
    api: '/api/v1/',
    knows: ({ authorization }, token) => authorization === `token ${token}`,
    stranger: { status: 404, body: { message: 'The target couldn’t be found.' } },
    route: (call, body, proposals) => {
      if (call === 'GET repos/o/r/issues/7')
        return { status: 200, body: { number: 7, title: ISSUE.title, body: ISSUE.text } };
      if (call !== 'POST repos/o/r/pulls') return { status: 404, body: { message: 'Not Found' } };
      const pull = newPull.parse(JSON.parse(body));
      if (proposals.some(({ head, base }) => head === pull.head && base === pull.base))
        return { status: 409, body: { message: 'pull request already exists for these targets' } };
      proposals.push(pull);
      return { status: 201, body: { number: 7 + proposals.length, ...pull } };
    },
  },
};

/**
 * A GitLab or a Gitea, as far as the way from an issue to a request to merge needs it: one private repository, `o/r`, and the
 * API, both for who has the token. As at the real ones, git takes a token by Basic alone, and a push may open the request: at
 * GitLab by push options, at Gitea by `refs/for/` (AGit).
 */
export async function startForge(
  kind: 'gitlab' | 'gitea',
  {
    address,
    certificate,
    token,
    repository,
  }: { address: string; certificate: TestCertificate; token: string; repository: BareRepository },
): Promise<ForgeServer> {
  const rules = RULES[kind];
  const authorizations = { git: new Set<string>(), api: new Set<string>() };
  const byApi: Proposal[] = [];
  const pushed = await installHooks(kind, repository);
  const proposals = async () => [...(await pushedProposals(pushed)), ...byApi];
  const api = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const call = `${request.method} ${(request.url ?? '').slice(rules.api.length)}`;
    const known = rules.knows(request.headers, token);
    const hasNone = request.headers.authorization === undefined && request.headers['private-token'] === undefined;
    const unknown = hasNone ? rules.stranger : { status: 401, body: { message: '401 Unauthorized' } };
    const answer = known ? rules.route(call, body, kind === 'gitea' ? byApi : await proposals()) : unknown;
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  };
  const server = createServer(certificate, (request, response) => {
    const { authorization } = request.headers;
    const isApi = request.url?.startsWith(rules.api) === true;
    if (authorization !== undefined) authorizations[isApi ? 'api' : 'git'].add(authorization);
    const [, basic = ''] = /^Basic ([\w+/=]+)$/.exec(authorization ?? '') ?? [];
    const [, password] = Buffer.from(basic, 'base64').toString().split(':');
    if (isApi) void api(request, response);
    else if (password === token) void gitBackend(repository.root, request, response);
    else response.writeHead(401, { 'www-authenticate': `Basic realm="${kind}"` }).end();
  });
  return {
    port: await listen(server, address),
    authorizations,
    proposals,
    close: async () => await close(server),
  };
}

async function pushedProposals(file: string): Promise<Proposal[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => newPull.parse(JSON.parse(line)));
}
