import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseAuthor } from '../../../../durable/session/core/git-author.ts';
import { authorOfClaims, gitAuthor } from '../../../../protocol/git/git-author.ts';

const NOBODY = { name: '', email: '' };

it.each([
  [{ name: 'Alice Liddell', email: 'alice@example.org' }, 'Alice Liddell <alice@example.org>'],
  [{ name: 'Alice' }, 'Alice <alice-1@cc-docker>'],
  [{ email: 'alice@example.org' }, 'alice-1 <alice@example.org>'],
  [{ name: 'Eve\n[core]', email: '<a@b>\n' }, 'Eve [core] <a@b>'],
  [{ name: '  "Al" .', email: 5 }, 'Al <alice-1@cc-docker>'],
])('a token that says %j makes %s', (claims, author) => {
  const { name, email } = chooseAuthor([authorOfClaims(claims), { name: 'Agents', email: 'agents@corp' }], 'alice-1');
  expect(`${name} <${email}>`).toBe(author);
});

it('without a token’s word the operator’s counts, and without that the owner', () => {
  const operator = { name: 'Agents', email: 'agents@corp' };
  expect(chooseAuthor([authorOfClaims({ name: '', email: null }), operator], 'alice')).toEqual(operator);
  expect(chooseAuthor([undefined, { name: '', email: 'agents@corp' }], 'alice')).toEqual({
    name: 'alice',
    email: 'agents@corp',
  });
  expect(chooseAuthor([undefined, NOBODY], 'alice')).toEqual({ name: 'alice', email: 'alice@cc-docker' });
  expect(chooseAuthor([undefined, NOBODY], 'auth0|a b')).toEqual({ name: 'auth0|a b', email: 'auth0|a-b@cc-docker' });
  expect(chooseAuthor([undefined, NOBODY], '<>.')).toEqual({ name: 'agent', email: 'agent@cc-docker' });
});

it('whatever is said, git can take it', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(text, text, text, (name, email, sub) => {
      const author = chooseAuthor([authorOfClaims({ name, email }), NOBODY], sub);
      expect(gitAuthor.safeParse(author).success).toBe(true);
      expect(author.name).toMatch(/^[^\p{C}<>]+$/u);
      expect(author.email).toMatch(/^[^\p{C}<>\s]+$/u);
      expect(author.name.replaceAll(/[\s.,:;"\\']/g, '')).not.toBe('');
    }),
  );
});
