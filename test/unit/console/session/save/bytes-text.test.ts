import { expect, test } from 'vitest';
import { bytesText } from '../../../../../console/session/save/bytes-text.ts';

test('sizes are said in the unit in which they are short', () => {
  expect([0, 1, 812, 1024, 4300, 38_797_312, 3 * 1024 ** 4].map(bytesText)).toEqual([
    '0 bytes',
    '1 byte',
    '812 bytes',
    '1 KiB',
    '4.2 KiB',
    '37 MiB',
    '3 TiB',
  ]);
});
