import { expect, test } from 'vitest';
import { leftOut } from '../../../../protocol/git/left-out.ts';
import { LeftOutList } from '../../../../wrapper/git/left-out.ts';

test('of very many that are left out, the first are named in bounded words, and all are counted', () => {
  const list = new LeftOutList();
  for (let index = 0; index < 60; index += 1) list.add('x'.repeat(5000), `https://a:canary@b.test ${'y'.repeat(5000)}`);
  expect(list.count).toBe(60);
  expect(leftOut.safeParse(list.items).success).toBe(true);
  expect(list.items).toHaveLength(50);
  expect(JSON.stringify(list.items)).not.toContain('canary');
});
