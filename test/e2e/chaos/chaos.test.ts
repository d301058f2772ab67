import { expect, test } from 'vitest';
import { KILLS } from '../../../chaos/plan.ts';
import { commandOf } from '../../../chaos/options.ts';
import { possible } from '../../../chaos/possible.ts';
import { reportOf } from '../../../chaos/report.ts';
import { runChaos } from '../../../chaos/run.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { atMost } from '../../support/patience.ts';

/** Fewer than `test/real/chaos` makes: what is tried here is what only an engine has. A container's start is dear. */
const OPTIONS = { seed: 20_261_130, kills: 10, sessions: 2, every: 4, together: 0.5 };

describeDocker('chaos in sealed containers', ({ docker, host, image }) => {
  test(
    `after ${OPTIONS.kills} kills Docker holds nothing, had one container of a session at a time, and no word is lost`,
    async () => {
      const said: string[] = [];
      const say = (line: string) => void said.push(line);
      const options = { ...OPTIONS, kinds: possible([...KILLS, 'cut', 'stall'], 'docker', say) };
      const result = await runChaos({ ...options, engine: { docker, host, image }, say });
      const again = commandOf({ ...options, backend: 'docker' });
      expect(result.violations, `${said.join('\n')}\n${reportOf(again, result)}`).toEqual([]);
      expect(result).toMatchObject({ kills: OPTIONS.kills });
      expect(result.ends.get('completed')).toBeGreaterThanOrEqual(OPTIONS.sessions);
    },
    atMost(600),
  );
});
