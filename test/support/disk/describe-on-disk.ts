import { describe, test } from 'vitest';
import { whyNoLoopDisk } from './loop-disk.ts';

/**
 * `describe` for what needs such a disk. Where there can be none, the group stands as one test that could not run; with
 * `REQUIRE_DOCKER=1` that test fails.
 */
export function describeOnDisk(name: string, body: () => void): void {
  const why = whyNoLoopDisk();
  if (why === undefined) return void describe(name, body);
  test(name, ({ skip }) => {
    if (process.env['REQUIRE_DOCKER'] === '1') throw new Error(`REQUIRE_DOCKER=1, but ${why}`);
    skip(why);
  });
}
