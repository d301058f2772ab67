import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';

beforeEach(emptyPool);

describe('git_repo', () => {
  it.each(['git@github.com:o/r.git', 'o/r', '', 'https://'])('%j', async (git_repo) => {
    const answer = await new User().call('POST', '/sessions', { workspace: { type: 'ephemeral', git_repo } });
    console.log(answer.status, JSON.stringify(answer.body));
    expect(answer.status).toBe(422);
  });
});
