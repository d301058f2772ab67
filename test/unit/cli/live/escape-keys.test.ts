import { describe, expect, test } from 'vitest';
import { EscapeKeys } from '../../../../cli/live/escape-keys.ts';

/** What reaches the shell of what is typed, key by key or in one piece, and what is meant for the command. */
function typed(...pieces: string[]) {
  const keys = new EscapeKeys();
  const taken = pieces.map((piece) => keys.take(Buffer.from(piece)));
  const bytes = taken.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  return { bytes, actions: taken.flatMap(({ action }) => action ?? []) };
}

describe('keys that are meant for the command', () => {
  test.each([
    [['~', '.'], '', ['leave']],
    [['~.'], '', ['leave']],
    [['ls\r', '~', '?'], 'ls\r', ['help']],
    [['ls\r~.rest'], 'ls\r', ['leave']],
    [['~', '~', '.'], '~.', []],
    [['a~.'], 'a~.', []],
    [['cd ~/x\r'], 'cd ~/x\r', []],
    [['~/bin/tool\r'], '~/bin/tool\r', []],
    [['~', '\r', '~', '.'], '~\r', ['leave']],
    [['x', '\n', '~', '?', '~', '.'], 'x\n', ['help', 'leave']],
  ])('%j', (pieces, bytes, actions) => {
    expect(typed(...pieces)).toEqual({ bytes, actions });
  });
});
