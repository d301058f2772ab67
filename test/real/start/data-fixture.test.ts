import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import { startEdgePart } from '../../../start/edge/edge-part.ts';
import { waitForRunners } from '../../../start/edge/health.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { runnerEnvironment } from '../../../start/runner/runner-environment.ts';
import { superviseRunner } from '../../../start/runner/runner-part.ts';
import { Client, script, spoken } from '../../support/e2e/client.ts';
import { unpackFolder } from '../../support/data-fixture/archive.ts';
import { FIXTURES, FIXTURE_WEBHOOK, readExpected, type Expected } from '../../support/data-fixture/fixture.ts';
import { readState, type OwnerState } from '../../support/data-fixture/read-state.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import type { Person } from '../../support/discord/person.ts';
import { bundleAtTime } from './support/bundle-at-time.ts';
import { asking, saying } from '../../support/discord/discord-edge.ts';
import { expectedSignature, Receiver } from '../../support/net/receiver.ts';
import { until } from '../../support/until.ts';
import { WAIT_MS } from '../../support/patience.ts';

/**
 * The data folder that an earlier release left (test/fixtures/…/README.md), opened by this one. The edge's clock is set, so that the
 * same deadlines have passed whenever this runs.
 */

const FIXTURE = path.join(FIXTURES, 'data-0.1');
const DAY_MS = 86_400_000;
const WEBHOOK = new URL(FIXTURE_WEBHOOK);

let expected: Expected;
beforeAll(async () => (expected = await readExpected(FIXTURE)));

const session = (name: string) => expected.made.sessions[name] ?? expect.fail(`no session ${name}`);
const interaction = (name: string) => expected.made.interactions[name] ?? expect.fail(`no interaction ${name}`);
const channel = () => expected.discord.channel;

interface Opened {
  readonly alice: Client;
  readonly bob: Client;
  readonly discord: DiscordStandIn;
  readonly ada: Person;
  stop(): Promise<void>;
}

/**
 * Edge and runner as `npm start` runs them, on the fixture, for as long after it was made.
 *
 * @param hasCopies false: of sessions' files there is what the storage has
 */
async function open({ afterMs, hasCopies }: { afterMs: number; hasCopies: boolean }): Promise<Opened> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-fixture-'));
  const data = path.join(folder, 'data');
  await unpackFolder(path.join(FIXTURE, 'data.tar.zst'), data);
  if (!hasCopies) await rm(path.join(data, 'runner', 'sessions'), { recursive: true });
  const offsetMs = Date.parse(expected.made_at) + afterMs - Date.now();
  const discord = await DiscordStandIn.start({ now: () => Date.now() + offsetMs });
  discord.world.restore(expected.discord.world);
  const secret = (await readFile(path.join(data, 'development-secret'), 'utf8')).trim();
  const edge = await startEdgePart({
    worker: await bundleAtTime(folder, offsetMs),
    host: '127.0.0.1',
    port: 0,
    stateFolder: path.join(data, 'edge'),
    vars: { JWT_SECRET: secret, WEBHOOK_ALLOW: WEBHOOK.hostname, ...discord.settings(channel()) },
    say: () => {},
    log: path.join(folder, 'edge.log'),
  });
  if (isRefused(edge)) throw new Error(edge.refused);
  const tokenOf = async (kind: 'user' | 'runner', sub: string) =>
    await mintToken(secret, { kind, sub, ttlSeconds: 3600 + Math.max(0, offsetMs / 1000) });
  const runner = superviseRunner({
    environment: async () => {
      const settings = {
        RUNNER_CAPACITY: '8',
        // The files' times are those of this machine's clock.
        LOCAL_COPY_DAYS: '0',
        RUNNER_CLOCK_OFFSET_MS: String(offsetMs),
      };
      const grant = { backend: 'process' as const, dataFolder: data, wrapperBundle: WRAPPER_BUNDLE, image: undefined };
      return runnerEnvironment(settings, { ...grant, edgeUrl: edge.url, token: await tokenOf('runner', 'local') });
    },
    log: path.join(folder, 'runner.log'),
    module: path.join(import.meta.dirname, 'support', 'runner-at-time.ts'),
    say: (line) => console.error(line),
  });
  expect(await waitForRunners(edge.url, (runners) => runners > 0, AbortSignal.timeout(WAIT_MS))).toBe(true);
  return {
    alice: new Client(edge.url, await tokenOf('user', 'alice')),
    bob: new Client(edge.url, await tokenOf('user', 'bob')),
    discord,
    ada: discord.person(`${edge.url}/api/v1/discord/interactions`, 'ada', [], expected.discord.person),
    async stop() {
      await runner.stop();
      await edge.stop();
      await discord.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the earlier release wrote is still the beginning of each log. */
const sameLog = (now: OwnerState, before: OwnerState) => {
  for (const [id, { events }] of Object.entries(before.session)) {
    expect(now.session[id]?.events.slice(0, events.length)).toEqual(events);
  }
};

describe('opened minutes after it was made', () => {
  let opened: Opened;
  let receiver: Receiver;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    receiver = await Receiver.start(Number(WEBHOOK.port), WEBHOOK.hostname);
    // What failed meanwhile is due again.
    opened = await open({ afterMs: 5 * 60_000, hasCopies: true });
    ({ alice, bob } = opened);
  });
  afterAll(async () => {
    await opened?.stop();
    await receiver?.stop();
  });

  const finished = async (id: string, message: string) =>
    await until(async () => {
      const view = await alice.message(id, message);
      expect(view.finished_at).not.toBeNull();
      return view;
    });
  const lastSeq = async (id: string) => (await alice.show(id)).last_seq as number;
  const eventsAfter = async (id: string, seq: number) => (await alice.events(id)).slice(seq);

  // Fields that came later stand beside those of that release.
  test('everything is as it was, for each of its owners', async () => {
    expect(await readState(bob)).toMatchObject(expected.owners.bob);
    expect(await readState(alice)).toMatchObject(expected.owners.alice);
  });

  const send = async (route: string, key: string, body: object) => {
    const headers = { 'idempotency-key': key };
    const response = await alice.raw('POST', route, { body: JSON.stringify(body), headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test('what was asked for with a key is not made again', async () => {
    const config = { system_prompt: 'Be brief.', idle_timeout_seconds: 3600 };
    expect(await send('/sessions', 'session-1', { config })).toMatchObject({
      status: 201,
      body: { session_id: session('chat') },
    });
    expect(await send('/sessions', 'session-1', {})).toMatchObject({ body: { code: 'idempotency_key_reused' } });
    const again = await send(`/sessions/${session('chat')}/chat`, 'message-1', { prompt: 'What did I say first?' });
    expect(again.body['message_id']).toBe(expected.made.messages['keyed']);
    expect((await send(`/sessions/${session('chat')}/fork`, 'fork-1', {})).body['session_id']).toBe(session('fork'));
  });

  test('a parked session goes on with its conversation, its files and its log', async () => {
    const id = session('chat');
    const before = await lastSeq(id);
    const { status, result } = await alice.ask(id, 'What did I say first?');
    expect(status).toBe('completed');
    expect(result).toContain('Create hello.md with a haiku about "old data"');
    const events = await alice.events(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events.length).toBeGreaterThan(before);
    expect(spoken(events.slice(before)).join('')).toBe(result);
    const hello = async () => await (await alice.raw('GET', `/sessions/${id}/files/hello.md`)).text();
    const written = await hello();
    await alice.ask(id, script({ tool: 'Bash', input: { command: 'echo more >> hello.md' } }));
    expect(await hello()).toBe(`${written}more\n`);
    await alice.park(id);
  });

  test('a persistent workspace takes another session, with what is in it', async () => {
    const id = await alice.createSession({}, { type: 'persistent', id: 'garden' });
    const { result } = await alice.ask(
      id,
      script({ tool: 'Bash', input: { command: 'cat newest' } }, { text: '{{last_tool_result}}' }),
    );
    expect(result).toBe('red, yellow\nwhite');
    await alice.park(id);
  });

  test('a question is answered by who may, and wakes its session', async () => {
    const id = session('asks');
    const before = await lastSeq(id);
    const route = `/sessions/${id}/interactions/${interaction('question')}`;
    expect((await bob.call('GET', route)).body).toMatchObject({ state: 'open', detached: true });
    const answered = await bob.call('POST', `${route}/resolve`, { answer: 'Old data' });
    expect(answered).toMatchObject({ status: 200, body: { state: 'resolved', resolved_by: 'bob' } });
    // The demo model says what it was asked.
    await until(async () => expect(spoken(await eventsAfter(id, before)).join('')).toContain('Old data'));
    await alice.park(id);
  });

  test('a permission that was asked for is decided on', async () => {
    const id = session('permitted');
    const before = await lastSeq(id);
    const route = `/sessions/${id}/interactions/${interaction('permission')}`;
    const decided = await alice.call('POST', `${route}/resolve`, { decision: 'deny', message: 'Not any more.' });
    expect(decided).toMatchObject({ status: 200, body: { state: 'resolved' } });
    const queued = (await eventsAfter(id, before)).find(({ type }) => type === 'message.queued');
    expect(queued?.data.prompt).toContain('Not any more.');
    await until(async () => expect(spoken(await eventsAfter(id, before))).not.toEqual([]));
    await alice.park(id);
  });

  test('a message that waits for a budget goes on when it is raised', async () => {
    const id = session('budget');
    expect((await alice.call('PATCH', `/sessions/${id}`, { budget_usd: 50 })).status).toBe(200);
    const waiting = await finished(id, expected.made.messages['waiting'] ?? '');
    expect(waiting).toMatchObject({ status: 'completed', result: 'There was more to spend.' });
    const { nodes } = (await alice.call('GET', `/sessions/${id}/tree`)).body;
    expect(nodes[0].tree_cost_usd).toBeGreaterThan(0.01);
    await alice.park(id);
  });

  test('a child’s news that could not be posted are posted, signed', async () => {
    const types = () => receiver.posts.map(({ body }) => JSON.parse(body).type);
    await until(() => expect(types()).toContain('child.result'));
    for (const post of receiver.posts) {
      expect(post.headers['webhook-signature']).toBe(expectedSignature(post, expected.made.webhookSecret));
      expect(JSON.parse(post.body).data.child_session_id).toBe(session('webhookChild'));
    }
    expect(new Set(receiver.ids).size).toBe(receiver.posts.length);
  });

  test('a parent begins another child', async () => {
    const prompt = script({ text: 'A new child of an old parent.' });
    const spawned = await alice.call('POST', `/sessions/${session('parent')}/spawn`, { prompt });
    expect(spawned.status).toBe(201);
    const { child_session_id, message_id } = spawned.body;
    expect(await finished(child_session_id, message_id)).toMatchObject({ status: 'completed' });
    await until(async () => {
      const { type, data } = (await alice.events(session('parent'))).findLast((one) => one.type === 'child.result');
      expect([type, data.child_session_id]).toEqual(['child.result', child_session_id]);
    });
    await alice.park(session('parent'));
  });

  describe('on Discord', () => {
    test('what could not be said is said, once', async () => {
      const text = 'Said when Discord is back.';
      await until(() => expect(opened.discord.messages(channel()).filter(saying(text))).toHaveLength(1));
    });

    test('an account is still its owner’s', async () => {
      const reply = await opened.ada.command(channel(), 'list');
      await until(() => expect(reply.message()).toMatchObject({ isLoading: false, seenBy: opened.ada.id }));
      expect(reply.message()?.content).toContain(session('chat'));
    });

    test('a question of a program is answered, and the one that was is as it was', async () => {
      const { asks } = expected.made;
      expect((await alice.call('GET', `/discord/asks/${asks['answered']}`)).body).toEqual(
        expected.discord.asks['answered'],
      );
      expect((await alice.call('GET', `/discord/asks/${asks['open']}`)).body).toEqual(expected.discord.asks['open']);
      const shown = opened.discord.messages(channel()).find(asking('Which day?'));
      expect(await opened.ada.press(channel(), shown?.id ?? '', 'Monday')).toMatchObject({ fault: null });
      expect((await alice.call('GET', `/discord/asks/${asks['open']}`)).body).toMatchObject({
        state: 'resolved',
        resolved_by: 'alice',
        resolution: { answers: ['Monday'] },
      });
    });

    test('a session’s question is answered in its thread, where it goes on', async () => {
      const { thread } = expected.made;
      const shown = opened.discord.messages(thread).find(asking('Deploy on Friday?'));
      expect(await opened.ada.press(thread, shown?.id ?? '', 'Yes')).toMatchObject({ fault: null });
      const route = `/sessions/${session('discord')}/interactions/${interaction('discord')}`;
      expect((await alice.call('GET', route)).body).toMatchObject({ state: 'resolved', resolved_by: 'alice' });
      await until(() =>
        expect(
          opened.discord
            .messages(thread)
            .slice(-2)
            .map(({ content }) => content)
            .join('\n'),
        ).toContain('Yes'),
      );
      await alice.park(session('discord'));
    });
  });

  test('no word of the old logs has changed by then', async () => {
    sameLog(await readState(alice), expected.owners.alice);
  });
});

test('opened a year later, only deadlines have passed', async () => {
  const opened = await open({ afterMs: 365 * DAY_MS, hasCopies: false });
  try {
    const { alice, bob, discord, ada } = opened;
    const before = expected.owners.alice;
    const ids = Object.keys(before.session);
    const stateOf = async (id: string, interaction_id: string) =>
      (await alice.call('GET', `/sessions/${id}/interactions/${interaction_id}`)).body.state as string;
    for (const id of ids) {
      for (const { interaction_id } of before.session[id]?.interactions ?? []) {
        await until(async () => expect(await stateOf(id, interaction_id)).not.toBe('open'));
      }
    }
    const now = await readState(alice);
    sameLog(now, before);
    expect(Object.keys(now.session)).toEqual(ids);
    expect(now.discordUsers).toEqual(before.discordUsers);
    for (const [id, then] of Object.entries(before.session)) {
      const session = now.session[id] ?? expect.fail(`${id} is gone`);
      const { messages, artifacts, files, view } = then;
      expect(session.messages.slice(0, messages.length)).toMatchObject(messages);
      expect([session.artifacts, session.files, session.view.config]).toMatchObject([artifacts, files, view.config]);
      const over = then.interactions.map((one) => {
        if (one.state !== 'open') return one;
        // In whose words the agent is told is this release's to say.
        const { kind, decision } = one.default ?? {};
        const resolution = one.default === null ? null : expect.objectContaining({ kind, decision });
        return { ...one, state: 'expired', resolved_at: expect.any(String), resolution };
      });
      // Sessions that heard of it may have asked anew.
      expect(session.interactions.slice(0, over.length)).toEqual(over);
    }
    // Bob has asked nothing.
    expect(await readState(bob)).toMatchObject(expected.owners.bob);

    const { chat = '' } = expected.made.sessions;
    const { status, result } = await alice.ask(chat, 'What did I say first?');
    expect([status, result]).toEqual(['completed', expect.stringContaining('Create hello.md')]);
    const events = await alice.events(chat);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    // What waited for so long is not said any more; what no longer can be answered has no buttons.
    await until(() => expect(discord.messages(channel()).find(saying('Which day?'))?.rows).toEqual([]));
    expect(discord.messages(channel()).filter(saying('Said when Discord is back.'))).toEqual([]);
    const late = await ada.command(expected.made.thread, 'status');
    await until(() => expect(late.message()).toMatchObject({ isLoading: false }));
    expect(late.message()?.content).toContain(session('discord'));
  } finally {
    await opened.stop();
  }
});
