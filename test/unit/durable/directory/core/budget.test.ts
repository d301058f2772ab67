import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge, treeCosts, type Account } from '../../../../../durable/directory/core/budget.ts';

function account(id: string, change: Partial<Account> = {}): Account {
  return { id, parent: id === 'a' ? null : 'a', budget: null, cost: 0, turn: 'none', granted: false, ...change };
}

const permits = (accounts: readonly Account[], dearest = 0) =>
  Object.fromEntries([...judge(accounts, dearest)].map(([id, { permit }]) => [id, permit]));

describe('who may begin a turn', () => {
  test('anybody, without a budget above', () => {
    expect(permits([account('a', { turn: 'wanted' }), account('b', { turn: 'running' })])).toEqual({
      a: 'free',
      b: 'free',
    });
  });

  test('whoever wants to, as long as the tree has not spent its budget', () => {
    const tree = [account('a', { budget: 1, cost: 0.4 }), account('b', { cost: 0.5, turn: 'wanted' })];
    expect(permits(tree)).toEqual({ a: 'due', b: 'granted' });
  });

  test('nobody once it has, and the reason names whose budget it is', () => {
    const tree = [account('a', { budget: 1, cost: 0.5 }), account('b', { cost: 0.5, turn: 'wanted' })];
    expect(permits(tree)).toEqual({ a: 'suspended', b: 'suspended' });
    const spent = { session_id: 'a', budget_usd: 1, spent_usd: 1, expected_usd: 0 };
    expect(judge(tree, 0).get('b')).toEqual({ permit: 'suspended', spent });
  });

  test('not a branch that has spent its own, while the rest goes on', () => {
    const tree = [
      account('a', { budget: 10, cost: 1 }),
      account('b', { budget: 1, cost: 0.7, turn: 'wanted' }),
      account('c', { parent: 'b', cost: 0.3, turn: 'wanted' }),
      account('d', { turn: 'wanted' }),
    ];
    expect(permits(tree)).toEqual({ a: 'due', b: 'suspended', c: 'suspended', d: 'granted' });
  });

  test('only as many at once as the budget has room for, each at what the dearest call has cost; who came first goes first', () => {
    const tree = [
      account('a', { budget: 1, cost: 0.75 }),
      account('d', { turn: 'wanted' }),
      account('b', { turn: 'wanted' }),
      account('c', { turn: 'wanted' }),
    ];
    expect(permits(tree, 0.2)).toEqual({ a: 'due', b: 'granted', c: 'granted', d: 'suspended' });
  });

  test('a turn that runs goes on until the budget is really spent', () => {
    const running = { turn: 'running', granted: true } as const;
    const tree = [account('a', { budget: 1, cost: 0.9 }), account('b', running), account('c', running)];
    expect(permits(tree, 0.5)).toMatchObject({ b: 'granted', c: 'granted' });
    expect(permits([account('a', { budget: 1, cost: 1 }), account('b', running)], 0.5)).toMatchObject({
      b: 'suspended',
    });
  });
});

test('what a tree costs is what all in it cost', () => {
  const tree = [account('a', { cost: 1 }), account('b', { cost: 2 }), account('c', { parent: 'b', cost: 4 })];
  expect([...treeCosts(tree)]).toEqual([
    ['a', 7],
    ['b', 6],
    ['c', 4],
  ]);
});

test('whatever is asked for in whatever order, no budget is passed by more than one turn', () => {
  const price = 1;
  const budget = fc.option(fc.integer({ min: 1, max: 12 }), { nil: null });
  const shape = fc.array(fc.tuple(fc.nat(), budget), { minLength: 1, maxLength: 8 });
  const steps = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 120 });
  fc.assert(
    fc.property(shape, steps, (sessions, moves) => {
      let accounts: Account[] = sessions.map(([above, own], index) => ({
        id: String.fromCharCode(97 + index),
        parent: index === 0 ? null : String.fromCharCode(97 + (above % index)),
        budget: own,
        cost: 0,
        turn: 'none',
        granted: false,
      }));
      for (const [which, ends] of moves) {
        const id = accounts[which % accounts.length]?.id;
        accounts = accounts.map((one) => {
          if (one.id !== id) return one;
          if (one.turn === 'running')
            return ends ? { ...one, turn: 'none', granted: false, cost: one.cost + price } : one;
          return { ...one, turn: 'wanted' };
        });
        const verdicts = judge(accounts, price);
        accounts = accounts.map((one) => {
          const permit = verdicts.get(one.id)?.permit;
          const begins = one.turn === 'wanted' && (permit === 'granted' || permit === 'free');
          return begins ? { ...one, turn: 'running', granted: true } : one;
        });
        const costs = treeCosts(accounts);
        for (const one of accounts) {
          if (one.budget !== null) expect(costs.get(one.id)).toBeLessThanOrEqual(one.budget + price);
        }
      }
    }),
  );
});
