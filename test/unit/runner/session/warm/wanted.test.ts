import { expect, test } from 'vitest';
import { sparesWanted, type Room } from '../../../../../runner/session/warm/wanted.ts';
import { defaultWarm } from '../../../../../runner/session/settings.ts';

const ONE = { memory_mb: 2048, cpus: 2, pids: 1024, workspace_mb: 1024 };
const ROOM: Room = {
  setting: 2,
  capacity: 8,
  live: [],
  spare: ONE,
  machine: { cpus: 8, memory_mb: 16_384 },
  closed: false,
};

test.each<[string, Partial<Room>, number]>([
  ['as many as the operator says', {}, 2],
  ['none where they are off', { setting: 0 }, 0],
  ['none where no launch is taken', { closed: true }, 0],
  ['what sessions leave of the places', { capacity: 4, live: [ONE, ONE, ONE] }, 1],
  ['none when every place is taken', { capacity: 2, live: [ONE, ONE] }, 0],
  ['none when more run than there are places', { capacity: 1, live: [ONE, ONE] }, 0],
  ['what sessions leave of the cores', { live: [ONE, ONE, ONE] }, 1],
  ['what a large session leaves of the memory', { live: [{ ...ONE, cpus: 1, memory_mb: 13_000 }] }, 1],
  ['all, where cores and memory are not counted', { live: [ONE, ONE, ONE], machine: { cpus: 0, memory_mb: 0 } }, 2],
  ['all, where the runner does not say what it has', { live: [ONE, ONE, ONE], machine: undefined }, 2],
  ['what the places allow, where containers have no limits', { capacity: 3, live: [null, null], spare: null }, 1],
])('%s', (_, change, wanted) => {
  expect(sparesWanted({ ...ROOM, ...change })).toBe(wanted);
});

test('there is one by itself where 4 GB of memory are free', () => {
  expect([defaultWarm(4 * 1024 ** 3), defaultWarm(4 * 1024 ** 3 - 1)]).toEqual([1, 0]);
});
