import * as z from 'zod';
import { ISSUE, OWNER, REPOSITORY, type PullRequest, type PullRequests } from './pull-requests.ts';

export interface Answer {
  status: number;
  body: unknown;
}

const request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).nullish() });
const creation = z.object({
  repositoryId: z.literal('R_1'),
  title: z.string(),
  body: z.string(),
  headRefName: z.string(),
  baseRefName: z.string(),
});

const LOGIN = { login: OWNER, id: 'U_1', name: 'The Owner' };
const REPO = {
  id: 'R_1',
  name: REPOSITORY,
  owner: LOGIN,
  nameWithOwner: `${OWNER}/${REPOSITORY}`,
  viewerPermission: 'WRITE',
  hasIssuesEnabled: true,
  isPrivate: true,
  description: '',
  defaultBranchRef: { name: 'main' },
  parent: null,
  mergeCommitAllowed: true,
  rebaseMergeAllowed: true,
  squashMergeAllowed: true,
};

/** Answers the queries that `gh` makes, known by the names that it gives them. Any other is an error, so that none is missed. */
export async function answerGraphql(pulls: PullRequests, body: string): Promise<Answer> {
  const { query, variables } = request.parse(JSON.parse(body));
  const given = variables ?? {};
  const [, kind, name] = /^\s*(query|mutation)\s+(\w+)/m.exec(query) ?? [];
  const {
    owner,
    name: repository,
    repo,
  } = z.object({ owner: z.string().optional(), name: z.string().optional(), repo: z.string().optional() }).parse(given);
  const asked = repository ?? repo;
  if (asked !== undefined && `${owner}/${asked}` !== `${OWNER}/${REPOSITORY}`)
    return failed('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${asked}'.`);
  switch (`${kind} ${name}`) {
    case 'query UserCurrent':
      return data({ viewer: { login: OWNER } });
    case 'query RepositoryNetwork':
      return data({ viewer: LOGIN, repo_000: REPO });
    case 'query RepositoryInfo':
    case 'query IssueRepositoryInfo':
      return data({ repository: REPO });
    case 'query IssueByNumber':
      return data({ repository: { ...REPO, issue: given['number'] === ISSUE.number ? anIssue : null } });
    case 'query PullRequestForBranch': {
      const open = pulls.open(String(given['headRefName']));
      const nodes = open === undefined ? [] : [asNode(open)];
      return data({ repository: { pullRequests: { nodes }, defaultBranchRef: { name: 'main' } } });
    }
    case 'mutation PullRequestCreate': {
      const { title, body: text, headRefName: head, baseRefName: base } = creation.parse(given['input']);
      const made = await pulls.create({ title, body: text, head, base });
      if (typeof made === 'string') return failed('UNPROCESSABLE', made);
      return data({ createPullRequest: { pullRequest: { id: `PR_${made.number}`, url: made.url } } });
    }
    default:
      return failed('UNKNOWN', `this stand-in does not know: ${query.slice(0, 2000)} ${JSON.stringify(variables)}`);
  }
}

const anIssue = {
  __typename: 'Issue',
  ...ISSUE,
  id: 'I_7',
  state: 'OPEN',
  url: `https://github.com/${OWNER}/${REPOSITORY}/issues/${ISSUE.number}`,
  author: LOGIN,
  createdAt: '2026-01-01T00:00:00Z',
  comments: { nodes: [], totalCount: 0 },
  labels: { nodes: [], totalCount: 0 },
  assignees: { nodes: [], totalCount: 0 },
  projectCards: { nodes: [], totalCount: 0 },
  reactionGroups: [],
  milestone: null,
};

const asNode = ({ number, url, head, base, title }: PullRequest) => ({
  number,
  url,
  title,
  id: `PR_${number}`,
  state: 'OPEN',
  headRefName: head,
  baseRefName: base,
  isCrossRepository: false,
  headRepositoryOwner: LOGIN,
});

const data = (value: unknown): Answer => ({ status: 200, body: { data: value } });
/** GraphQL's errors come with 200. */
const failed = (type: string, message: string): Answer => ({
  status: 200,
  body: { data: null, errors: [{ type, message, path: [], locations: [] }] },
});
