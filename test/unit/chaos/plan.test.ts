import { describe, expect, it } from 'vitest';
import { BREAKS, isKill, KILLS, planOf } from '../../../chaos/plan.ts';

const kinds = [...KILLS, ...BREAKS];

describe('a plan of faults', () => {
  it('follows from its seed alone', () => {
    expect(planOf({ seed: 7, kills: 50, kinds })).toEqual(planOf({ seed: 7, kills: 50, kinds }));
    expect(planOf({ seed: 8, kills: 50, kinds })).not.toEqual(planOf({ seed: 7, kills: 50, kinds }));
  });

  it('has as many kills as are asked for, and ends with one', () => {
    const plan = planOf({ seed: 7, kills: 50, kinds });
    expect(plan.filter(({ kind }) => isKill(kind))).toHaveLength(50);
    expect(isKill(plan.at(-1)?.kind ?? 'cut')).toBe(true);
  });

  it('has every kind among a thousand, and those alone that may be made', () => {
    expect(new Set(planOf({ seed: 1, kills: 1000, kinds }).map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(new Set(planOf({ seed: 1, kills: 20, kinds: ['edge', 'cut'] }).map(({ kind }) => kind))).toEqual(
      new Set(['edge', 'cut']),
    );
  });
});
