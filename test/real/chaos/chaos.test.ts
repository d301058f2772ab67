import { expect, test } from 'vitest';
import { BREAKS, KILLS } from '../../../chaos/plan.ts';
import { reportOf } from '../../../chaos/report.ts';
import { runChaos } from '../../../chaos/run.ts';
import { atMost } from '../../support/patience.ts';

/** A short run. `npm run chaos -- --kills 1000` makes a long one. */
const OPTIONS = { seed: 20_261_130, kills: 10, sessions: 2, kinds: [...KILLS, ...BREAKS] };

test(
  `after ${OPTIONS.kills} kills nothing is lost, doubled, reordered, run twice or left over`,
  async () => {
    const said: string[] = [];
    const result = await runChaos({ ...OPTIONS, say: (line) => void said.push(line) });
    expect(result.violations, `${said.join('\n')}\n${reportOf(OPTIONS, result)}`).toEqual([]);
    expect(result).toMatchObject({ kills: OPTIONS.kills });
    expect(result.ends.get('completed')).toBeGreaterThanOrEqual(OPTIONS.sessions);
  },
  atMost(300),
);
