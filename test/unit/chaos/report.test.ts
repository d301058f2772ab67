import { expect, test } from 'vitest';
import { commandOf, parseOptions } from '../../../chaos/options.ts';
import { ALL_KINDS, planOf } from '../../../chaos/plan.ts';
import { reportOf, runLine } from '../../../chaos/report.ts';
import { parseSchedule } from '../../../chaos/schedule.ts';

const OPTIONS = {
  seed: 7,
  kills: 3,
  sessions: 2,
  every: 5,
  together: 0.4,
  backend: 'docker',
  kinds: ALL_KINDS,
} as const;
const schedule = planOf(OPTIONS);
const result = {
  schedule,
  kills: 3,
  events: 40,
  messages: 4,
  ends: new Map([['completed', 4]]),
  refused: new Map<string, number>(),
  seconds: 9.6,
  logs: '',
};

test('a failed run prints its faults, which `--replay` takes as they are, and a command that is understood', () => {
  const report = reportOf(commandOf(OPTIONS), { ...result, violations: ['the message m is lost'] });
  expect(report).toContain('BROKEN  the message m is lost');
  expect(parseSchedule(report)).toEqual(schedule);
  const command = /^Again: npm run chaos -- (.*)$/m.exec(report)?.[1] ?? '';
  expect(parseOptions(command.split(' '))).toMatchObject(OPTIONS);
});

test('a run that kept every promise prints no faults, and is a line of the runs', () => {
  expect(parseSchedule(reportOf('', { ...result, violations: [] }))).toEqual([]);
  const line = runLine({ ...OPTIONS, date: '2026-11-30' }, { ...result, violations: [] });
  expect(line).toMatchObject({ seed: 7, backend: 'docker', kills: 3, breaks: schedule.length - 3, seconds: 10 });
  expect(Object.values(line.faults).reduce((sum, times) => sum + times, 0)).toBe(schedule.length);
});
