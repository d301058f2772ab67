import { expect, it } from 'vitest';
import { DAY } from '../../../bench/simulate/scenario.ts';
import { FLOOD, World } from '../../../bench/simulate/world.ts';

const SMALL = {
  ...DAY,
  sessions: 1000,
  flood: 60,
  owners: 100,
  runners: 10,
  places: 3,
  lost: 0.02,
  flapping: { ...DAY.flapping, runners: 2 },
  deaths: { ...DAY.deaths, machines: 6 },
};

const mean = (all: number[]) => all.reduce((a, b) => a + b, 0) / all.length;

function figures(seed: number) {
  const world = new World({ ...SMALL, sessions: 200, flood: 20, seed });
  const { completed, waits } = world.run();
  return [completed, world.network.calls, waits.map(({ ms }) => ms)];
}

it('in a day of a thousand sessions nothing is lost and nothing comes twice, though messages are lost, and runners flap and die', () => {
  const world = new World(SMALL);
  const measures = world.run();
  expect(measures.wrong).toEqual([]);
  expect(measures.completed).toBeGreaterThan(1000);
  expect(world.network.losses).toBeGreaterThan(50);
  // There was not room for all.
  expect(measures.longestQueue).toBeGreaterThan(10);
  const waits = (isFlood: boolean) =>
    measures.waits.filter(({ owner }) => (owner === FLOOD) === isFlood).map(({ ms }) => ms);
  expect(mean(waits(true))).toBeGreaterThan(3 * mean(waits(false)));
});

it('a day is the same each time, and another with another seed', () => {
  expect(figures(1)).toEqual(figures(1));
  expect(figures(1)).not.toEqual(figures(2));
});
