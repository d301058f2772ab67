import { expect, test } from 'vitest';
import { budgetOf, changeOf, type Wanted } from '../../../../../console/session/settings/choices.ts';

const had: Wanted = { title: 'Site', model: 'sonnet-4', permissionMode: 'ask', budget: '5' };

test('only what differs is changed', () => {
  expect(changeOf(had, had)).toBeNull();
  expect(changeOf(had, { ...had, title: ' Site ' })).toBeNull();
  expect(changeOf(had, { ...had, title: 'Shop', permissionMode: 'plan' })).toEqual({
    title: 'Shop',
    permission_mode: 'plan',
  });
  expect(changeOf(had, { ...had, title: '', model: '', budget: '' }), 'emptied: as it was created').toEqual({
    title: null,
    model: 'default',
    budget_usd: null,
  });
  expect(changeOf(had, { ...had, title: 'Shop', budget: 'much' }), 'nothing, until the budget is an amount').toBeNull();
});

test('a budget is an amount of dollars, or none', () => {
  expect([budgetOf('5'), budgetOf(' $0.50 '), budgetOf('2,5'), budgetOf('')]).toEqual([5, 0.5, 2.5, null]);
  expect([budgetOf('0'), budgetOf('-1'), budgetOf('five'), budgetOf('1e9'), budgetOf('1000001')]).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});
