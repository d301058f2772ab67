import { expect, test } from 'vitest';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';

test.each([{}, { permission_mode: 'ask' }, { permission_mode: 'plan' }])(
  'no tool is offered whose schedule would be lost with the container: %o',
  async (config) => {
    await using stage = await Stage.open();
    const { session } = stage;
    await stage.start({ config });
    await session.turn('go');
    const tools = session.lines.find(({ subtype }) => subtype === 'init')?.['tools'];
    expect(tools).toContain('Bash');
    for (const name of ['CronCreate', 'CronDelete', 'CronList', 'ScheduleWakeup']) expect(tools).not.toContain(name);
  },
);
