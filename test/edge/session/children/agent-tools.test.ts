import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, it } from 'vitest';
import { launchOf } from '../../../../durable/session/container/launch.ts';
import { agentToolsOf } from '../../../../durable/session/core/limits.ts';
import { Peers } from '../../../../durable/session/store/peers.ts';
import { SessionStore } from '../../../../durable/session/store/store.ts';
import { agentTool } from '../../../../protocol/api/session/session-config.ts';
import { edgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { ofType, spawn, useTool } from './support/family.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { ran, sessionObject, show } from '../../support/scene.ts';

beforeEach(emptyPool);

const QUESTION = { tool: 'ask_user', input: { question: 'Which?' } } as const;

/** The session's store with the operator's `AGENT_TOOLS`, as an edge with that setting has it. */
function withSetting<T>(id: string, AGENT_TOOLS: string, work: (store: SessionStore) => T): Promise<T> {
  return runInDurableObject(sessionObject(id), (_, { storage }) =>
    work(new SessionStore(storage, edgeSettings.parse({ ...env, AGENT_TOOLS }), () => {})),
  );
}

it('every session has all of the tools', async () => {
  const { user, id, container } = await ran();
  const { config, more_tools } = container.launch;
  expect([...config.agent_tools, ...(more_tools ?? [])]).toEqual(agentTool.options);
  // A runner of version 0.1 does not take a list with a tool that it does not know.
  expect(more_tools).toEqual(['share_port']);
  expect((await show(user, id)).config.agent_tools).toEqual(agentTool.options);
});

it('a session that names some has these, and a call of another does nothing, whoever forged it', async () => {
  const { user, id, container } = await ran({ config: { agent_tools: ['notify_user'] } });
  expect(container.launch.config.agent_tools).toEqual(['notify_user']);
  const calls = [
    QUESTION,
    { tool: 'spawn_session', input: { prompt: 'Work.' } },
    { tool: 'share_artifact', input: { path: '/etc/passwd' } },
  ] as const;
  for (const call of calls) {
    const call_id = crypto.randomUUID();
    container.say({ notice: 'tool_call', call_id, call });
    expect(await container.answer()).toMatchObject({ command: 'tool_result', call_id, is_error: true });
  }
  const events = await user.events(id);
  expect(ofType(events, 'session.tool_refused')).toEqual(
    calls.map(({ tool }) => ({ epoch: 1, tool, detail: expect.stringContaining(tool) })),
  );
  expect(ofType(events, 'interaction.opened')).toEqual([]);
  expect((await user.call('GET', `/sessions/${id}/children`)).body.data).toEqual([]);
  expect((await user.call('GET', `/sessions/${id}/artifacts`)).body.data).toEqual([]);
});

it('the operator’s setting narrows them: what is launched with, what is shown, and what may be called', async () => {
  const { id, container } = await ran({ config: { agent_tools: ['ask_user', 'notify_user'] } });
  await withSetting(id, 'notify_user, spawn_session', async (store) => {
    const base = { on: 'runner', runner: 'any' } as const;
    const launch = await launchOf(store, new Peers(env, store), base);
    expect(launch.config.agent_tools).toEqual(['notify_user']);
    const tell = { tool: 'notify_user', input: { message: 'Done.' } } as const;
    const items = [QUESTION, tell].map(
      (call) => ({ notice: 'tool_call', call_id: crypto.randomUUID(), call }) as const,
    );
    const first = store.current.link.stored + 1;
    const orders = store.change((tx) => {
      tx.link.take(first, items);
      return tx.commands.map(({ command }) => (command.command === 'tool_result' ? command.is_error : null));
    });
    expect(orders).toEqual([true, false]);
  });
  expect(container.launch.config.agent_tools).toEqual(['ask_user', 'notify_user']);
});

it('a child has its parent’s, and no more', async () => {
  const { user, runner, id } = await ran({ config: { agent_tools: ['ask_user', 'spawn_session'] } });
  const child = await spawn(user, id);
  expect((await runner.launch(child)).config.agent_tools).toEqual(['ask_user', 'spawn_session']);
  const wider = { prompt: 'work', config: { agent_tools: ['ask_user', 'stop_child'] } };
  expect((await user.call('POST', `/sessions/${id}/spawn`, wider)).body.code).toBe('child_too_wide');
  const open = await user.createSession();
  await runner.start(open);
  const narrow = await spawn(user, open, { config: { agent_tools: [] } });
  expect((await runner.launch(narrow)).config.agent_tools).toEqual([]);
});

it('a child that may not have children is told so when it tries', async () => {
  const user = new User();
  const runner = await FakeRunner.connect();
  let id = await user.createSession();
  let container = await runner.start(id);
  for (let depth = 1; depth <= 5; depth += 1) {
    id = await spawn(user, id);
    container = await runner.start(id);
  }
  const answer = await useTool(container, { tool: 'spawn_session', input: { prompt: 'Deeper.' } });
  expect(answer).toMatchObject({ is_error: true, text: expect.stringContaining('spawn_depth_exceeded') });
});

it('a session from before the tools were everywhere keeps what it was made with', async () => {
  const id = await new User().createSession();
  const path = `'$.identity.request.config.agent_tools'`;
  const storedWith = (change: string) =>
    runInDurableObject(sessionObject(id), (_, { storage }) => {
      storage.sql.exec(`UPDATE record SET json = ${change}`);
      storage.sql.exec('UPDATE schema_version SET version = 2');
      const store = new SessionStore(storage, edgeSettings.parse(env), () => {});
      return agentToolsOf(store.current.identity, store.settings);
    });
  expect(await storedWith(`json_remove(json, ${path})`)).toEqual([]);
  expect(await storedWith(`json_set(json, ${path}, json('["ask_user"]'))`)).toEqual(['ask_user']);
});

it('what cannot be true of the session changes nothing, and is shown as that', async () => {
  const { user, id, container } = await ran();
  container.say(
    { notice: 'cloned', repo: 'https://forged.test/repo', commit: 'forged', ms: 1 },
    { notice: 'seal_broken', failed: [{ probe: 'network', detail: 'forged' }] },
    { notice: 'start_failed', detail: 'forged' },
    { notice: 'mcp_server', name: 'forged', state: 'failed', detail: 'forged' },
  );
  await container.stored();
  expect((await show(user, id)).status).toBe('idle');
  const events = await user.events(id);
  expect(ofType(events, 'session.notice_refused').map(({ notice }) => notice)).toEqual([
    'cloned',
    'seal_broken',
    'start_failed',
    'mcp_server',
  ]);
  for (const type of ['workspace.cloned', 'session.mcp_server']) expect(ofType(events, type)).toEqual([]);
});
