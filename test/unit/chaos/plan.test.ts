import { describe, expect, it } from 'vitest';
import { ALL_KINDS as kinds, isKill, planOf } from '../../../chaos/plan.ts';
import { parseSchedule, scheduleText } from '../../../chaos/schedule.ts';

const [every, together] = [14, 0.5];

describe('a plan of faults', () => {
  it('follows from its seed alone', () => {
    expect(planOf({ seed: 7, kills: 50, kinds, every, together })).toEqual(
      planOf({ seed: 7, kills: 50, kinds, every, together }),
    );
    expect(planOf({ seed: 8, kills: 50, kinds, every, together })).not.toEqual(
      planOf({ seed: 7, kills: 50, kinds, every, together }),
    );
  });

  it('has as many kills as are asked for, and ends with one', () => {
    const plan = planOf({ seed: 7, kills: 50, kinds, every, together });
    expect(plan.filter(({ kind }) => isKill(kind))).toHaveLength(50);
    expect(isKill(plan.at(-1)?.kind ?? 'cut')).toBe(true);
  });

  it('has every kind among a thousand, and those alone that may be made', () => {
    expect(new Set(planOf({ seed: 1, kills: 1000, kinds, every, together }).map(({ kind }) => kind))).toEqual(
      new Set(kinds),
    );
    expect(
      new Set(planOf({ seed: 1, kills: 20, kinds: ['edge', 'cut'], every, together }).map(({ kind }) => kind)),
    ).toEqual(new Set(['edge', 'cut']));
  });

  it('has faults that come together, and as many events between two as are asked for', () => {
    const plan = planOf({ seed: 7, kills: 2000, kinds, every, together });
    expect(plan.filter(({ afterEvents }) => afterEvents === 0).length / plan.length).toBeCloseTo(together, 1);
    expect(plan.reduce((sum, { afterEvents }) => sum + afterEvents, 0) / plan.length).toBeCloseTo(every, -1);
  });

  it('is read again from what a run has printed', () => {
    const plan = planOf({ seed: 7, kills: 20, kinds, every, together });
    expect(parseSchedule(`60 kills and 28 breaks\n${scheduleText(plan)}\nAgain: npm run chaos`)).toEqual(plan);
    expect(() => parseSchedule('{"kind":"flood","afterEvents":1,"pick":0,"lastsMs":1}')).toThrow(/kind/);
  });
});
