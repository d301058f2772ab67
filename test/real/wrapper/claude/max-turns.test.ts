import { expect, test } from 'vitest';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';

test('a message takes as many model calls as the session allows, and says so when it wanted more; the next begins anew', async () => {
  let calls = 0;
  await using stage = await Stage.open((_, __, tools) => {
    // Claude Code asks a model for other things too, as for a title.
    if (tools.length > 0) calls += 1;
    return [{ tool: 'Bash', input: { command: `echo ${calls}` } }];
  });
  await stage.start({ config: { max_turns: 3 } });
  for (const made of [3, 6]) {
    expect(await stage.session.turn('go')).toMatchObject({ subtype: 'error_max_turns', is_error: true });
    expect(calls).toBe(made);
  }
});
