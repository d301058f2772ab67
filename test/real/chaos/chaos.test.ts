import { expect, test } from 'vitest';
import { commandOf } from '../../../chaos/options.ts';
import { ALL_KINDS } from '../../../chaos/plan.ts';
import { possible } from '../../../chaos/possible.ts';
import { reportOf } from '../../../chaos/report.ts';
import { runChaos } from '../../../chaos/run.ts';
import { atMost } from '../../support/patience.ts';

/** A short run, whose faults come close together. `npm run chaos -- --kills 1000` makes a long one. */
const OPTIONS = { seed: 675, kills: 60, sessions: 2, every: 3, together: 0.8 };

test(
  `after ${OPTIONS.kills} kills nothing is lost, doubled, reordered, run twice or left over`,
  async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const options = { ...OPTIONS, kinds: possible(ALL_KINDS, 'process', say) };
    const result = await runChaos({ ...options, say });
    const again = commandOf({ ...options, backend: 'process' });
    expect(result.violations, `${said.join('\n')}\n${reportOf(again, result)}`).toEqual([]);
    expect(result).toMatchObject({ kills: OPTIONS.kills });
    expect(result.ends.get('completed')).toBeGreaterThanOrEqual(OPTIONS.sessions);
  },
  atMost(600),
);
