import { describe, expect, it } from 'vitest';
import { planDay, planSoak } from '../../../bench/host/day.ts';
import { busiestMinute, growth, limitsOf, type Host } from '../../../bench/host/limits.ts';
import { parseHostOptions } from '../../../bench/host/options.ts';
import { parseRollup, sortProcesses } from '../../../bench/host/processes.ts';
import { waitsOf } from '../../../bench/host/waits.ts';

const DAY = {
  seed: 1,
  seconds: 600,
  sessions: 200,
  owners: 5,
  messages: 2,
  think: 3,
  turn: 1.5,
  previews: 10,
  again: 0.25,
  away: 150,
  watched: 0.3,
};

describe('a day on one host', () => {
  it('is the same each time, and another with another seed', () => {
    expect(planDay(DAY)).toEqual(planDay(DAY));
    expect(planDay(DAY)).not.toEqual(planDay({ ...DAY, seed: 2 }));
  });

  it('has most arrivals in the afternoon, and visits that follow one another', () => {
    const plans = planDay(DAY);
    expect(plans).toHaveLength(DAY.sessions);
    const arrivals = plans.map(({ visits }) => visits[0]?.at ?? Number.NaN);
    const within = (from: number, to: number) => arrivals.filter((at) => at >= from * 25 && at < to * 25).length;
    expect(within(11, 17)).toBeGreaterThan(3 * within(0, 6));
    for (const { visits } of plans) {
      const times = visits.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(visits.every(({ messages }) => messages.length > 0)).toBe(true);
    }
  });

  it('of a soak has every session come early, and again until the end', () => {
    const plans = planSoak({ seed: 1, seconds: 1800, sessions: 50, owners: 5, think: 8, messages: 40, away: 90 });
    expect(plans).toHaveLength(50);
    for (const { visits } of plans) {
      expect(visits[0]?.at).toBeLessThan(180);
      expect(visits.at(-1)?.at).toBeGreaterThan(1200);
    }
  });
});

/** The session is in another state since then. */
const status = (time: string, name: string) => ({
  time: `2026-11-30T10:00:${time}Z`,
  type: 'session.status',
  data: { status: name },
});

it('the waits of a session are read off its log: for a place, and until claude is ready, at each launch', () => {
  const log = [
    status('01.000', 'starting'),
    { time: '2026-11-30T10:00:01.500Z', type: 'session.ready', data: {} },
    status('02.000', 'running'),
    status('03.000', 'idle'),
    status('04.000', 'running'),
    status('05.000', 'stopped'),
    status('10.000', 'queued'),
    // For another reason: it still waits since 10.
    status('11.000', 'queued'),
    status('12.500', 'starting'),
    status('14.000', 'running'),
  ];
  expect(waitsOf('2026-11-30T10:00:00.000Z', log)).toEqual({
    asked: [Date.parse('2026-11-30T10:00:00Z'), Date.parse('2026-11-30T10:00:10Z')],
    queue: [1000, 2500],
    ready: [2000, 4000],
  });
});

it('the processes of one engine are told from those of another, and what is in a container by its place below a shim', () => {
  const all = [
    { pid: 10, parent: 1, command: 'node bench/simulate/main.ts --host' },
    { pid: 11, parent: 10, command: '/x/workerd serve --control-fd=3' },
    { pid: 12, parent: 10, command: 'node /x/runner/main.ts' },
    { pid: 20, parent: 1, command: 'dockerd --data-root /var/tmp/mine/data' },
    { pid: 21, parent: 20, command: 'containerd --config /var/tmp/mine/exec/containerd.toml' },
    {
      pid: 22,
      parent: 1,
      command: '/usr/bin/containerd-shim-runc-v2 -namespace moby -id aaa -address /var/tmp/mine/c.sock',
    },
    { pid: 23, parent: 22, command: '/sbin/docker-init -- node /opt/cc-docker/wrapper.mjs /run/cc-docker/launch.json' },
    { pid: 24, parent: 23, command: 'node /opt/cc-docker/wrapper.mjs /run/cc-docker/launch.json' },
    { pid: 25, parent: 24, command: '/usr/local/bin/claude -p' },
    { pid: 30, parent: 1, command: 'dockerd --data-root /var/tmp/other/data' },
    {
      pid: 31,
      parent: 1,
      command: '/usr/bin/containerd-shim-runc-v2 -namespace moby -id bbb -address /var/tmp/other/c.sock',
    },
    { pid: 32, parent: 31, command: 'node /opt/cc-docker/wrapper.mjs /run/cc-docker/launch.json' },
    { pid: 40, parent: 1, command: '/y/workerd serve --control-fd=3' },
  ];
  const marks = { folder: '/var/tmp/mine', containers: new Set(['aaa']) };
  expect(sortProcesses(all, 10, marks)).toEqual({
    edge: [11],
    runner: [12],
    wrappers: [24],
    claudes: [25],
    inits: [23],
    shims: [22],
    containerd: [21],
    dockerd: [20],
  });
});

it('the sums of smaps_rollup are read in KB', () => {
  expect(
    parseRollup('55e0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:   61440 kB\nPss:   24000 kB\nPss_Dirty: 1 kB\n'),
  ).toEqual({
    rssKb: 61_440,
    pssKb: 24_000,
  });
});

const host: Host = {
  cores: 2,
  memoryMb: 24_576,
  places: 60,
  live: 30,
  parked: 1000,
  baseMb: 500,
  perLiveMb: 40,
  descriptors: { process: 'runner', before: 40, most: 340, limit: 1024 },
  starts: { most: 2, wanted: 1.8 },
  diskKb: 1000,
  diskFreeKb: 9_000_000,
};

const metAt = (name: string): string | undefined => limitsOf(host).find((limit) => limit.name.startsWith(name))?.at;

describe('limits of a host', () => {
  it('come in the order in which a day meets them', () => {
    expect(limitsOf(host).map(({ name }) => name)).toEqual([
      'starts of containers',
      'places',
      'descriptors of runner',
      'memory',
      'disk',
    ]);
    expect(limitsOf({ ...host, live: 60 })[0]?.name).toBe('places');
  });

  it('are told where they are met', () => {
    // (24,576 × 0.9 − 500) / (40 + 122)
    expect(metAt('memory')).toContain('133 live sessions');
    expect(metAt('descriptors')).toBe('98 live sessions');
    expect(metAt('disk')).toContain('10000 parked sessions');
  });

  it('the busiest minute is any sixty seconds', () => {
    const s = 1000;
    expect(busiestMinute([0, 50 * s, 70 * s, 100 * s, 109 * s, 300 * s])).toBe(4);
    expect(busiestMinute([])).toBe(0);
  });

  it('growth is the least of the last third against that of the second, whatever came before or was not collected yet', () => {
    expect(growth([900, 10, 100, 100, 100, 100, 100, 100, 100, 100])).toBeCloseTo(1);
    expect(growth([0, 0, 100, 110, 120, 130, 140, 150, 160, 170])).toBeCloseTo(150 / 110);
    expect(growth([1, 2, 3, 100, 180, 240, 250, 230, 105])).toBeCloseTo(1.05);
  });
});

describe('npm run simulate -- --host', () => {
  it('has defaults, and refuses what is no number or no flag', () => {
    expect(parseHostOptions([])).toMatchObject({ sessions: 1000, places: 60, minutes: 10, soak: null, seed: 1 });
    expect(parseHostOptions(['--soak', '30', '--places', '50'])).toMatchObject({ soak: 30, places: 50 });
    expect(parseHostOptions(['--places', 'many'])).toEqual({ refused: '--places must be a whole number from 1' });
    expect(parseHostOptions(['--nothing'])).toHaveProperty('refused');
    expect(parseHostOptions(['--help'])).toBe('help');
  });
});
