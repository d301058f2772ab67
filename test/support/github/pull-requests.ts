import type { BareRepository } from './bare-repository.ts';

export const OWNER = 'o';
export const REPOSITORY = 'r';
export const ISSUE = { number: 7, title: 'The greeting is missing', body: 'Please add a file that greets.' };

export interface PullRequest {
  number: number;
  url: string;
  title: string;
  body: string;
  head: string;
  base: string;
}

/** The pull requests of the one repository. */
export class PullRequests {
  readonly all: PullRequest[] = [];
  readonly #repository: BareRepository;

  constructor(repository: BareRepository) {
    this.#repository = repository;
  }

  /** @returns or why not, in the words of the real one */
  async create(wanted: Pick<PullRequest, 'title' | 'body' | 'head' | 'base'>): Promise<PullRequest | string> {
    const head = wanted.head.replace(`${OWNER}:`, '');
    if (wanted.title === '') return "Title can't be blank";
    if (!(await this.#has(wanted.base))) return 'Base ref must be a branch';
    if (!(await this.#has(head))) return 'Head ref must be a branch, Head sha can\u2019t be blank';
    if (this.open(head) !== undefined) return `A pull request already exists for ${OWNER}:${head}.`;
    if ((await this.#repository.git('rev-list', '--count', `${wanted.base}..${head}`)).trim() === '0')
      return `No commits between ${wanted.base} and ${head}`;
    const number = ISSUE.number + 1 + this.all.length;
    const url = `https://github.com/${OWNER}/${REPOSITORY}/pull/${number}`;
    const made = { ...wanted, head, number, url };
    this.all.push(made);
    return made;
  }

  open(head: string): PullRequest | undefined {
    return this.all.find((pull) => pull.head === head);
  }

  async #has(branch: string): Promise<boolean> {
    const found = await this.#repository.git('for-each-ref', `refs/heads/${branch}`);
    return branch !== '' && found !== '';
  }
}
