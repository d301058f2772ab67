import { expect, it } from 'vitest';
import { CloseCode, passableCloseCode } from '../../../protocol/close-code.ts';

it.each([
  ['one of ours as it is', CloseCode.tooSlow, 4408],
  ['an orderly end as it is', 1000, 1000],
  ['an end without a code as an orderly one', 1005, 1000],
  ['an edge that goes away', 1001, 4501],
  ['an edge that has gone', 1006, 4506],
  ['an edge that failed', 1011, 4511],
  ['an edge that starts anew', 1012, 4512],
  ['what is no code as an edge that has gone', 0, 4506],
])('a runtime that may not send every code passes on %s', (_, code, passed) => {
  expect(passableCloseCode(code)).toBe(passed);
});
