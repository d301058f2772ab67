import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  reportedSettings,
  type ReportedSettings,
} from '../../../../durable/session/core/settings/reported-settings.ts';
import type { PermissionDecision, Resolution } from '../../../../protocol/api/session/interaction.ts';
import { using } from '../../../support/wrapper/tool-stage.ts';
import type { SessionSide } from '../../../support/wrapper/session-side.ts';

const DONE = [{ words: ['done'] }];
const bash = (command: string) => ({ tool: 'Bash', input: { command } });

const decide = (decision: PermissionDecision): Resolution => ({ kind: 'decision', decision, message: null });

type Line = Record<string, unknown> & { type: string };
const lines = ({ lines }: SessionSide) => lines as Line[];

/** What the lines say about the settings, in order, as the session reads them. */
function said(session: SessionSide): ReportedSettings[] {
  const all = lines(session);
  return all.flatMap((line, at) => {
    const before = all.slice(0, at).toReversed();
    return (
      reportedSettings(
        line,
        before.map((each) => ({ type: each.type, json: JSON.stringify(each) })),
      ) ?? []
    );
  });
}

const modelOf = (session: SessionSide) => lines(session).findLast(({ subtype }) => subtype === 'init')?.['model'];

test('another model is taken as it runs, by its name at CC-Docker too, and the next turn is its', async () => {
  await using stage = await using();
  const { session } = stage;
  await stage.start({ config: { model: 'sonnet' } });
  await session.turn('one');
  expect(modelOf(session)).toContain('sonnet');
  session.order({ command: 'set_model', model: 'haiku-4' });
  expect(await session.notice('setting_answered')).toMatchObject({ setting: 'model', refused: null });
  await session.turn('two');
  expect(modelOf(session)).toContain('haiku');
  // Back to Claude Code's own.
  session.order({ command: 'set_model', model: 'default' });
  await session.turn('three');
  expect(modelOf(session)).not.toMatch(/haiku|sonnet/);
  expect(lines(session).some(({ type }) => type === 'control_response')).toBe(false);
});

test('a model that was set by /model is read by the name that was given, and a name that does not exist is not', async () => {
  await using stage = await using();
  const { session } = stage;
  await stage.start();
  for (const prompt of ['/model haiku', '/model', '/model help', '/model sonnet[1m]', '/model default']) {
    await session.turn(prompt);
  }
  const models = said(session).flatMap(({ model }) => model ?? []);
  expect(models).toEqual(['haiku', 'sonnet[1m]', 'default']);
});

test('a session that may do everything asks from the moment that it is told to, and no longer when it is told so', async () => {
  await using stage = await using([bash('mkdir one')], DONE, [bash('mkdir two')], DONE, [bash('mkdir three')]);
  const { session } = stage;
  await stage.start();
  await session.turn('free');
  expect(session.all('asked')).toEqual([]);
  session.order({ command: 'set_permission_mode', permission_mode: 'ask' });
  expect(await session.notice('setting_answered')).toMatchObject({ setting: 'permission_mode', refused: null });
  const turn = session.turn('asked');
  await session.resolve(0, decide('deny'));
  await turn;
  session.order({ command: 'set_permission_mode', permission_mode: 'bypass' });
  await session.nth('setting_answered', 1);
  await session.turn('free again');
  expect(session.all('asked')).toHaveLength(1);
  expect(readdirSync(stage.path('workspace')).sort()).toEqual(['one', 'three']);
  const modes = said(session).flatMap(({ permission_mode }) => permission_mode ?? []);
  expect(modes.filter((mode, at) => mode !== modes[at - 1])).toEqual(['bypass', 'ask', 'bypass']);
});

test('a session that was not started to bypass permissions says that it cannot', async () => {
  await using stage = await using();
  const { session } = stage;
  await stage.start({ config: { permission_mode: 'ask' } });
  session.order({ command: 'set_permission_mode', permission_mode: 'bypass' });
  const { refused } = await session.notice('setting_answered');
  expect(refused).toContain('not launched with --dangerously-skip-permissions');
  await session.turn('go on');
});

test('the mode that an approved plan leaves is read from the lines, and so is one that the agent begins', async () => {
  await using stage = await using(
    [{ tool: 'ExitPlanMode', input: {} }],
    [{ tool: 'Write', input: { file_path: 'a.md', content: 'a' } }],
    [{ tool: 'EnterPlanMode', input: {} }],
  );
  const { session } = stage;
  await stage.start({ config: { permission_mode: 'plan' } });
  const turn = session.turn('plan');
  await session.resolve(0, decide('allow'));
  await session.resolve(1, decide('allow_session'));
  await turn;
  const modes = said(session).flatMap(({ permission_mode }) => permission_mode ?? []);
  expect(modes).toEqual(['plan', 'ask', 'accept_edits', 'plan']);
});
