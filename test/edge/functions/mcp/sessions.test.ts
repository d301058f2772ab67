import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../../protocol/settings/limits.ts';
import { image, pdf, pdfDocument, png, text } from '../../../support/content/samples.ts';
import { User } from '../../support/api.ts';
import { Agent, scene, working } from './support/mcp.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeTransfer } from '../../session/files/support/transfer.ts';

beforeEach(emptyPool);

describe('the tools', () => {
  it('are told with what each argument means, in little', async () => {
    const { agent } = await scene();
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      'answer_interaction',
      'change_session',
      'create_session',
      'delete_session',
      'get_events',
      'get_session',
      'interrupt_session',
      'list_files',
      'list_interactions',
      'list_sessions',
      'read_file',
      'send_message',
      'spawn_child',
      'stop_session',
      'wait_for_result',
    ]);
    for (const { name, inputSchema, description = '' } of tools) {
      expect(description.length, name).toBeGreaterThan(60);
      for (const [field, schema] of Object.entries(inputSchema.properties ?? {}))
        expect(schema, `${name}.${field}`).toHaveProperty('description', expect.stringMatching(/\S{2}/));
    }
    // What a model is sent of them with each of its calls.
    const sent = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(JSON.stringify(sent).length).toBeLessThan(20_500);
  });

  it('say which only read, and which cannot be taken back', async () => {
    const { agent } = await scene();
    const { tools } = await agent.client.listTools();
    const hinted = (hint: object) =>
      tools.filter((tool) => expect.objectContaining(hint).asymmetricMatch(tool.annotations));
    expect(hinted({ destructiveHint: true }).map(({ name }) => name)).toEqual(['delete_session']);
    expect(
      hinted({ readOnlyHint: true })
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'get_events',
      'get_session',
      'list_files',
      'list_interactions',
      'list_sessions',
      'read_file',
      'wait_for_result',
    ]);
  });
});

describe('create_session', () => {
  it('begins a session with its settings, and sends its first message', async () => {
    const { user, agent, runner } = await scene();
    const { data } = await agent.call('create_session', {
      prompt: 'Begin.',
      workspace: { type: 'persistent', id: 'site', git_repo: 'git@github.com:o/r.git', git_branch: 'v1' },
      model: 'haiku-4',
      system_prompt: 'Be brief.',
      allowed_tools: ['Read'],
      network: { allow: ['example.org'] },
      secrets: ['git'],
      on_rate_limit: 'wait',
    });
    expect(data).toMatchObject({ next_step: expect.stringContaining('wait_for_result') });
    const { body } = await user.call('GET', `/sessions/${data.session_id}`);
    expect(body).toMatchObject({
      workspace: { type: 'persistent', id: 'site', git_repo: 'git@github.com:o/r.git', git_branch: 'v1' },
      config: {
        model: 'haiku-4',
        system_prompt: 'Be brief.',
        allowed_tools: ['Read'],
        network: { allow: ['example.org'], presets: [] },
        secrets: ['git'],
        permission_mode: 'bypass',
        on_rate_limit: 'wait',
      },
    });
    const container = await runner.start(data.session_id);
    expect(await container.prompt()).toMatchObject({ prompt: 'Begin.', message_id: data.message_id });
  });

  it('sends images and documents, and refuses what they may not be before it begins anything', async () => {
    const { user, agent, runner } = await scene();
    // Larger than any other call may be.
    const prompt = [text('Look.'), image(png()), pdfDocument(pdf(1, `%${'x'.repeat(MAX_BODY_BYTES)}\n`), 'large')];
    const { data } = await agent.call('create_session', { prompt });
    const container = await runner.start(data.session_id);
    expect(await container.prompt()).toMatchObject({ message_id: data.message_id, content: prompt });
    await agent.call('send_message', { session_id: data.session_id, prompt: prompt.slice(0, 2) });
    container.result(data.message_id, 'seen');
    expect(await container.prompt()).toMatchObject({ content: prompt.slice(0, 2) });
    const child = await agent.call('spawn_child', { session_id: data.session_id, prompt });
    const below = await runner.start(child.data.child_session_id);
    expect(await below.prompt()).toMatchObject({ message_id: child.data.message_id, content: prompt });
    const refused = await agent.call('create_session', { prompt: [text('Look.'), image('hello')] });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('is no JPEG') });
    expect((await user.call('GET', '/sessions')).body.total).toBe(2);
  });

  it('begins one that waits for its first message', async () => {
    const { agent } = await scene();
    const { data } = await agent.call('create_session');
    expect(data).toMatchObject({ message_id: null, next_step: expect.stringContaining('send_message') });
  });

  it('says what to do when there are too many', async () => {
    const { agent } = await scene();
    for (let n = 0; n < 10; n += 1) expect((await agent.call('create_session')).isError).toBe(false);
    const { isError, text } = await agent.call('create_session');
    expect(isError).toBe(true);
    expect(text).toMatch(/session_limit_reached.*stop_session/);
  });
});

describe('a session', () => {
  it('is listed and shown, without what its configuration holds', async () => {
    const mcp_servers = { x: { type: 'http', url: 'https://x.test/mcp', headers: { authorization: 'hidden' } } };
    const { agent, ids, of } = await working({ mcp_servers });
    const list = await agent.call('list_sessions');
    expect(list.data).toMatchObject({ sessions: [of], next_cursor: null, total: 1 });
    expect((await agent.call('list_sessions', { status: 'failed' })).data).toMatchObject({ sessions: [], total: 0 });
    const shown = await agent.call('get_session', of);
    expect(shown.data).toMatchObject({ ...of, status: 'running', queued_messages: 0, total_turns: 0 });
    expect(shown.data.last_seq).toBeGreaterThan(0);
    expect(list.text + shown.text).not.toContain('hidden');
    expect(ids.message_id).not.toBeNull();
  });

  it('is paged through', async () => {
    const { agent } = await scene();
    for (let n = 0; n < 3; n += 1) await agent.call('create_session');
    const first = (await agent.call('list_sessions', { limit: 2 })).data;
    const second = (await agent.call('list_sessions', { limit: 2, cursor: first.next_cursor })).data;
    const ids = [...first.sessions, ...second.sessions].map(({ session_id }) => session_id);
    expect(new Set(ids).size).toBe(3);
    expect(second.next_cursor).toBeNull();
  });

  it('is given another model, mode and title, at once; its budget stays a person’s', async () => {
    const { user, agent, container, of } = await working({ permission_mode: 'ask' });
    const settings = { model: 'haiku', permission_mode: 'plan', title: 'the harbour' };
    const changed = await agent.call('change_session', { ...of, ...settings });
    expect(changed.data).toEqual({ ...of, ...settings });
    const ordered = await container.data.next(
      ({ kind, command }) => kind === 'command' && command.command === 'set_model',
    );
    expect(ordered.command).toMatchObject({ model: 'haiku' });
    expect((await agent.call('get_session', of)).data).toMatchObject(settings);
    expect((await user.call('GET', `/sessions/${of.session_id}`)).body).toMatchObject(settings);
    expect((await agent.call('change_session', { ...of, title: null })).data).toMatchObject({
      model: 'haiku',
      title: null,
    });
    expect((await agent.call('change_session', of)).text).toContain('must change something');
    expect((await agent.call('change_session', { ...of, budget_usd: 9 })).isError).toBe(true);
    expect((await user.call('GET', `/sessions/${of.session_id}`)).body.config.budget_usd).toBeUndefined();
    const refused = await agent.call('change_session', { ...of, permission_mode: 'bypass' });
    expect(refused).toMatchObject({ isError: true, text: expect.stringMatching(/restart_required.*stop_session/s) });
  });

  it('is interrupted', async () => {
    const { agent, container, ids, of } = await working();
    expect((await agent.call('interrupt_session', of)).data).toEqual({ interrupted: true, message_id: ids.message_id });
    await container.interrupted();
  });

  it('is deleted, and then there is none', async () => {
    const { agent, of } = await working();
    expect((await agent.call('delete_session', of)).data).toEqual({ ...of, deleted: true });
    const { isError, text } = await agent.call('get_session', of);
    expect(isError).toBe(true);
    expect(text).toMatch(/session_not_found.*list_sessions/);
  });

  it('is no one else’s to use', async () => {
    const { ids, of } = await working();
    const other = await Agent.connect(new User());
    const calls: [string, object][] = [
      ['get_session', of],
      ['wait_for_result', ids],
      ['send_message', { ...of, prompt: 'hi' }],
      ['get_events', of],
      ['list_interactions', of],
      ['interrupt_session', of],
      ['stop_session', of],
      ['delete_session', of],
      ['list_files', of],
      ['read_file', { ...of, path: 'a' }],
    ];
    for (const [name, given] of calls) {
      const { isError, text } = await other.call(name, { ...given });
      expect({ name, isError }).toEqual({ name, isError: true });
      expect(text, name).toContain('session_not_found');
    }
    expect((await other.call('list_sessions')).data.sessions).toEqual([]);
  });
});

describe('spawn_child', () => {
  it('begins a child, whose answer is waited for as any other', async () => {
    const { user, agent, runner, of } = await working();
    const { data, text } = await agent.call('spawn_child', { ...of, prompt: 'Look.', title: 'looks' });
    expect(data, text).toMatchObject({ parent_session_id: of.session_id });
    const child = await runner.start(data.child_session_id);
    const { message_id, prompt } = await child.prompt();
    expect({ message_id, prompt }).toEqual({ message_id: data.message_id, prompt: 'Look.' });
    const waiting = agent.call('wait_for_result', { session_id: data.child_session_id, message_id });
    child.result(message_id, 'Seen.');
    expect((await waiting).data).toMatchObject({ state: 'completed', result: 'Seen.' });
    const shown = (await agent.call('get_session', { session_id: data.child_session_id })).data;
    expect(shown).toMatchObject({ parent_session_id: of.session_id, title: 'looks' });
    expect((await user.call('GET', '/sessions')).body.total).toBe(2);
  });

  it('says what its parent may not do either', async () => {
    const { agent, of } = await working({ network: { allow: ['example.org'] } });
    const given = { ...of, prompt: 'x', network: { allow: ['elsewhere.test'] } };
    const { isError, text } = await agent.call('spawn_child', given);
    expect(isError).toBe(true);
    expect(text).toMatch(/child_too_wide.*Leave out/);
  });
});

describe('files', () => {
  const encoder = new TextEncoder();

  it('of a folder are listed', async () => {
    const { agent, runner, of } = await working();
    const listing = agent.call('list_files', { ...of, path: 'a b/c', recursive: true, limit: 5 });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toMatchObject({ op: 'read', path: 'a b/c', recursive: true, limit: 5 });
    const entry = { path: 'a b/c/x', type: 'file', size: 1, mode: '0644', modified_at: '2026-01-02T03:04:05.678Z' };
    transfer.json({ path: 'a b/c', data: [entry], next_cursor: null });
    expect((await listing).data).toEqual({ path: 'a b/c', data: [entry], next_cursor: null });
  });

  it('are read in parts, none of which cuts a character', async () => {
    const { agent, runner, of } = await working();
    const whole = encoder.encode('aé€😀');
    const read = async (offset: number, limit: number) => {
      const answer = agent.call('read_file', { ...of, path: 'f', offset, limit });
      const transfer = await FakeTransfer.next(runner);
      const last = Math.min(offset + limit, whole.length) - 1;
      expect(transfer.request).toMatchObject({ path: 'f', range: `bytes=${offset}-${offset + limit - 1}` });
      transfer.head({ size: last - offset + 1, range: { first: offset, last, total: whole.length } });
      await transfer.send(whole.slice(offset, last + 1));
      transfer.end();
      return (await answer).text;
    };
    expect(await read(0, 8)).toBe('aé€\nBytes 0 to 6 of 10. Go on with offset 6.');
    expect(await read(6, 8)).toBe('😀\nBytes 6 to 10 of 10. This is its end.');
    expect(await read(2, 100)).toBe('€😀\nBytes 3 to 10 of 10. This is its end.');
  });

  it('that are no text, folders, and those that there are not are told as such', async () => {
    const { agent, runner, of } = await working();
    const read = async (answer: (transfer: FakeTransfer) => void) => {
      const reading = agent.call('read_file', { ...of, path: 'f' });
      answer(await FakeTransfer.next(runner));
      return await reading;
    };
    const binary = await read((transfer) => {
      transfer.head({ size: 3, range: { first: 0, last: 2, total: 3 } });
      transfer.flood(new Uint8Array([0xff, 0, 1]));
      transfer.end();
    });
    expect(binary.text).toContain('not text');
    const folder = await read((transfer) => transfer.json({ path: 'f', data: [], next_cursor: null }));
    expect(folder).toMatchObject({ isError: true, text: expect.stringMatching(/not_a_file.*list_files/) });
    const none = await read((transfer) => transfer.refuse('file_not_found'));
    expect(none).toMatchObject({ isError: true, text: expect.stringMatching(/file_not_found.*list_files/) });
    const empty = await read((transfer) => transfer.refuse('range_not_satisfiable'));
    expect(empty).toMatchObject({ isError: false, text: expect.stringContaining('empty') });
    const listing = agent.call('list_files', { ...of, path: 'f' });
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: 1 });
    transfer.flood(new Uint8Array([1]));
    transfer.end();
    expect(await listing).toMatchObject({ isError: true, text: expect.stringMatching(/not_a_directory.*read_file/) });
  });
});

describe('what does not fit', () => {
  it.each([
    ['create_session', { prompt: '' }, 'prompt'],
    ['create_session', { modell: 'opus' }, 'modell'],
    ['create_session', { workspace: { type: 'cloud' } }, 'workspace'],
    ['get_session', {}, 'session_id'],
    ['get_session', { session_id: 'first' }, 'UUID'],
    [
      'wait_for_result',
      { session_id: crypto.randomUUID(), message_id: crypto.randomUUID(), timeout_seconds: 601 },
      '600',
    ],
  ])('in a call of %s is told in words, and nothing is done', async (name, given, named) => {
    const { user, agent } = await scene();
    const { isError, text } = await agent.call(name, given);
    expect(isError).toBe(true);
    expect(text).toMatch(/^Nothing was done/);
    expect(text).toContain(named);
    expect((await user.call('GET', '/sessions')).body.total).toBe(0);
  });

  it('as the API alone can tell is told in its words', async () => {
    const { agent } = await scene();
    const { isError, text } = await agent.call('create_session', { interaction_timeout_seconds: 604_800, prompt: 'x' });
    expect({ isError, text }).toMatchObject({ isError: false });
    const message_id = crypto.randomUUID();
    const { data } = await agent.call('create_session');
    const unknown = await agent.call('wait_for_result', { session_id: data.session_id, message_id });
    expect(unknown).toMatchObject({ isError: true, text: expect.stringContaining('message_not_found') });
  });

  it('is a tool that there is not', async () => {
    const { agent } = await scene();
    await expect(agent.call('make_tea')).rejects.toThrow(/no tool make_tea.*create_session/);
  });
});
