import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { wrapperFrame, wrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { dataFrame } from '../../../../protocol/link/runner-notice.ts';
import { fitting, nearly } from '../../../support/from-schema.ts';
import { generatedRuns } from '../../../support/run/generated-runs.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer } from '../../support/runner.ts';
import { ran, show, type Ran } from '../../support/scene.ts';

/**
 * The agent speaks in its wrapper's place: every frame that there is, with anything in it. What its session may not do, it
 * does not do.
 */

beforeEach(emptyPool);

/** What a container may say of itself, which its session's settings do not limit. */
const OWN = ['exited', 'start_failed', 'seal_broken', 'clone_failed'];

const notice = fitting(wrapperNotice).filter((value) => !OWN.includes(value.notice));
/** Most of what could be gained is a tool's. */
const toolCall = fitting(z.union(wrapperNotice.options.filter(({ shape }) => shape.notice.value === 'tool_call')));
const line = fc
  .record({ type: fc.constantFrom('assistant', 'user', 'system', 'result', 'session.ended', 'message.completed', 'x') })
  .chain((head) => fc.dictionary(fc.string(), fc.jsonValue()).map((rest) => JSON.stringify({ ...rest, ...head })));

/** Claude Code's word on its settings. */
const settingsLine = fc
  .record({
    type: fc.constant('system'),
    subtype: fc.constantFrom('init', 'status'),
    permissionMode: fc.constantFrom('default', 'acceptEdits', 'plan', 'bypassPermissions', 'dontAsk'),
    session_id: fc.uuid(),
  })
  .map((said) => JSON.stringify(said));

/** Items that the session takes: they follow what is stored. */
const items = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: notice },
    { weight: 3, arbitrary: toolCall },
    { weight: 1, arbitrary: line },
    { weight: 1, arbitrary: settingsLine },
  ),
  {
    minLength: 1,
    maxLength: 8,
  },
);
/** Frames that may be refused: then the connection ends, and the next one begins. */
const frame = fc.oneof(nearly(wrapperFrame), nearly(dataFrame), fc.jsonValue());

/** All that a session with no tools, no repository and no servers may not come to have. */
async function gained({ user, id }: Ran): Promise<object> {
  const [children, artifacts, wakeups, ports, sessions] = await Promise.all(
    ['/children', '/artifacts', '/wakeups', '/ports', ''].map((path) =>
      user.call('GET', path === '' ? '/sessions' : `/sessions/${id}${path}`),
    ),
  );
  const { config, workspace, owner, budget_usd, parent_session_id } = await show(user, id);
  // A container may narrow its mode, and choose its model.
  const { permission_mode: mode, model: _, ...fixed } = config;
  return {
    children: children?.body.data.length,
    artifacts: artifacts?.body.data.length,
    wakeups: wakeups?.body.data.length,
    ports: ports?.body.data.length,
    sessions: sessions?.body.total,
    isWider: ['accept_edits', 'bypass'].includes(mode),
    fixed,
    workspace,
    owner,
    budget_usd,
    parent_session_id,
  };
}

async function connected({ container }: Pick<Ran, 'container'>): Promise<{ container: FakeContainer; next: number }> {
  const again = await FakeContainer.connect(container.launch);
  const { stored } = await again.data.next(({ kind }) => kind === 'welcome');
  return { container: again, next: stored + 1 };
}

it('a session gains nothing by what its container makes up', async () => {
  const scene = await ran({ config: { agent_tools: [], permission_mode: 'ask' } });
  const other = await scene.user.createSession();
  const before = await gained(scene);
  await fc.assert(
    fc.asyncProperty(items, fc.array(frame, { maxLength: 3 }), async (said, wild) => {
      const { container, next } = await connected(scene);
      container.data.send({ kind: 'items', first: next, items: said });
      await container.data.next(({ kind, stored }) => kind === 'ack' && stored === next + said.length - 1);
      for (const one of wild) container.data.send(JSON.stringify(one));
      container.data.close();
    }),
    { numRuns: generatedRuns(1000), seed: 20_261_129 },
  );
  expect(await gained(scene)).toEqual(before);
  expect((await scene.user.call('GET', `/sessions/${other}/messages`)).body.data).toEqual([]);
  // The log has no hole, and what the container has forged is in it as Claude Code's words alone.
  const events = await scene.user.events(scene.id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const refused = events.filter(({ type }) => type === 'session.tool_refused' || type === 'session.notice_refused');
  expect(refused.length).toBeGreaterThan(20);
  expect(events.filter(({ type }) => ['session.egress', 'child.spawned', 'artifact.created'].includes(type))).toEqual(
    [],
  );
  // Only a tool's question has a priority of its own.
  const opened = events.filter(({ type }) => type === 'interaction.opened').map(({ data }) => data['priority']);
  expect([...new Set(opened)]).toEqual(['normal']);
}, 300_000);
