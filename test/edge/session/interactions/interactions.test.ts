import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_OPEN } from '../../../../durable/shared/interactions/interaction.ts';
import { request, User } from '../../support/api.ts';
import { askLeave, askQuestion, askUser, color, ofType, resolve, view, working } from './support/asking.ts';
import { emptyPool } from '../../support/pool.ts';
import { isCommand } from '../../support/runner.ts';
import { show } from '../../support/scene.ts';

beforeEach(emptyPool);

describe('a question or a permission', () => {
  it('is listed, shown, counted and told as an event, and its answer reaches the one who asked', async () => {
    const scene = await working();
    const { user, id, container } = scene;
    const interaction = await askQuestion(scene);
    const list = (await user.call('GET', `/sessions/${id}/interactions?state=open`)).body;
    expect(list).toMatchObject({
      data: [{ interaction_id: interaction, session_id: id, state: 'open', priority: 'normal', detached: false }],
      next_cursor: null,
    });
    expect(await show(user, id)).toMatchObject({ open_interactions: 1, status: 'running' });
    await expect
      .poll(async () => (await user.call('GET', '/sessions')).body.data[0])
      .toMatchObject({ open_interactions: 1 });
    expect(await ofType(scene, 'interaction.opened')).toMatchObject([{ interaction_id: interaction }]);
    const answered = await resolve(scene, interaction, { answer: 'blue' });
    const resolution = { kind: 'answers', answers: ['blue'] };
    expect(answered).toMatchObject({ status: 200, body: { state: 'resolved', resolution } });
    expect(answered.body.resolved_by).not.toBeNull();
    expect(await container.answer()).toEqual({ command: 'resolve', interaction_id: interaction, resolution });
    expect(await ofType(scene, 'interaction.closed')).toMatchObject([{ interaction_id: interaction, resolution }]);
    expect(await show(user, id)).toMatchObject({ open_interactions: 0 });
    expect((await user.call('GET', `/sessions/${id}/interactions?state=open`)).body.data).toEqual([]);
    expect(await view(scene, interaction.toUpperCase())).toEqual(answered.body);
  });

  it('is decided on: once, for the session, or not at all and why', async () => {
    const scene = await working();
    for (const body of [
      { decision: 'allow' },
      { decision: 'allow_session' },
      { decision: 'deny', message: 'not on a Friday' },
    ]) {
      const interaction = await askLeave(scene);
      expect((await resolve(scene, interaction, body)).status).toBe(200);
      expect((await scene.container.answer()).resolution).toEqual({ kind: 'decision', message: null, ...body });
    }
  });

  it('says which subagent asks, in its event and in the API', async () => {
    const scene = await working();
    const agent = { id: 'a1', type: 'Explore', description: 'find it' };
    const interaction_id = crypto.randomUUID();
    const subject = { kind: 'permission', tool_name: 'Bash', input: {}, can_allow_session: true, agent } as const;
    scene.container.say({ notice: 'asked', interaction_id, tool_use_id: 'toolu_2', subject });
    await scene.container.stored();
    expect(await view(scene, interaction_id)).toMatchObject({ subject: { agent } });
    expect(await ofType(scene, 'interaction.opened')).toMatchObject([{ subject: { agent } }]);
  });

  it('of the ask_user tool is answered with its result', async () => {
    const scene = await working();
    const interaction = await askUser(scene, {
      options: ['80', { label: '443', description: 'TLS', preview: 'listen 443 ssl;' }],
      priority: 'high',
    });
    expect(await view(scene, interaction)).toMatchObject({
      priority: 'high',
      subject: {
        questions: [{ options: [{ label: '80' }, { label: '443', preview: 'listen 443 ssl;' }], free_text: true }],
      },
    });
    await resolve(scene, interaction, { answer: '8443' });
    expect(await scene.container.answer()).toEqual({
      command: 'tool_result',
      call_id: interaction,
      text: '8443',
      is_error: false,
    });
  });

  it('answered by two at the same instant has one winner; the other gets 409, and one command goes out', async () => {
    const scene = await working();
    const interaction = await askQuestion(scene);
    const [one, two] = await Promise.all([
      resolve(scene, interaction, { answer: 'red' }),
      resolve(scene, interaction, { answer: 'blue' }),
    ]);
    expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([200, 409]);
    const [winner, loser] = one.status === 200 ? [one, two] : [two, one];
    expect(loser.body.code).toBe('interaction_closed');
    expect(loser.body.detail).toContain(winner.body.resolved_by);
    expect(loser.body.detail).toContain(winner.body.resolved_at);
    expect((await scene.container.answer()).resolution).toEqual(winner.body.resolution);
    expect(scene.container.data.unread(isCommand)).toBe(0);
    expect(await ofType(scene, 'interaction.closed')).toHaveLength(1);
  });

  it('answered the same again is fine, and goes out once', async () => {
    const scene = await working();
    const interaction = await askQuestion(scene);
    const first = await resolve(scene, interaction, { answer: 'red' });
    const again = await resolve(scene, interaction, { answer: 'red' });
    expect(again).toMatchObject({ status: 200, body: first.body });
    await scene.container.answer();
    expect(scene.container.data.unread(isCommand)).toBe(0);
  });

  it('refuses what is no answer to it with what would be, and stays open', async () => {
    const scene = await working();
    const question = await askQuestion(scene);
    const leave = await askLeave(scene, false);
    const tries: [string, object, string, string][] = [
      [question, { answer: 'green' }, 'answer_invalid', '"red", "blue"'],
      [question, { answer: '' }, 'answer_invalid', '"red", "blue"'],
      [question, { decision: 'allow' }, 'answer_invalid', '"answer"'],
      [leave, { answer: 'yes' }, 'answer_invalid', '"deny"'],
      [leave, { decision: 'allow_session' }, 'answer_invalid', '"allow" or "deny"'],
      [leave, { decision: 'perhaps' }, 'invalid_request', ''],
      [leave, {}, 'invalid_request', ''],
      [question, { answer: 'x'.repeat(40_000) }, 'invalid_request', ''],
    ];
    for (const [interaction, body, code, word] of tries) {
      const answer = await resolve(scene, interaction, body);
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 422, body: { code } });
      expect(answer.body.detail).toContain(word);
    }
    expect(await show(scene.user, scene.id)).toMatchObject({ open_interactions: 2 });
    expect(scene.container.data.unread(isCommand)).toBe(0);
  });

  it('is withdrawn by who asked, and says so to who answers after that', async () => {
    const scene = await working();
    const leave = await askLeave(scene);
    const question = await askUser(scene);
    scene.container.say(
      { notice: 'withdrawn', interaction_id: leave },
      { notice: 'tool_cancelled', call_id: question },
    );
    await scene.container.stored();
    for (const [interaction, body] of [
      [leave, { decision: 'allow' }],
      [question, { answer: '80' }],
    ] as const) {
      expect(await view(scene, interaction)).toMatchObject({ state: 'withdrawn', resolved_by: null });
      expect(await resolve(scene, interaction, body)).toMatchObject({
        status: 409,
        body: { code: 'interaction_closed', detail: expect.stringContaining('stopped waiting') },
      });
    }
    expect(scene.container.data.unread(isCommand)).toBe(0);
  });

  it('is withdrawn when its turn is interrupted', async () => {
    const scene = await working();
    const { user, id, container, message_id } = scene;
    const leave = await askLeave(scene);
    const question = await askUser(scene);
    await user.call('POST', `/sessions/${id}/interrupt`);
    await container.interrupted();
    // As Claude Code does: it takes back what it asked, and cancels the call of the tool.
    container.say({ notice: 'withdrawn', interaction_id: leave }, { notice: 'tool_cancelled', call_id: question });
    container.result(message_id, '', { is_error: true, terminal_reason: 'aborted_tools' });
    await container.stored();
    for (const interaction of [leave, question]) expect((await view(scene, interaction)).state).toBe('withdrawn');
    expect(await show(user, id)).toMatchObject({ open_interactions: 0, status: 'idle' });
  });

  it('is known to its owner alone', async () => {
    const scene = await working();
    const interaction = await askQuestion(scene);
    const path = `/sessions/${scene.id}/interactions`;
    const stranger = new User();
    for (const [method, tried, body] of [
      ['GET', path],
      ['GET', `${path}/${interaction}`],
      ['POST', `${path}/${interaction}/resolve`, { answer: 'red' }],
    ] as const) {
      expect(await stranger.call(method, tried, body)).toMatchObject({
        status: 404,
        body: { code: 'session_not_found' },
      });
    }
    const other = await working();
    const elsewhere = await resolve(other, interaction, { answer: 'red' });
    expect(elsewhere).toMatchObject({ status: 404, body: { code: 'interaction_not_found' } });
    expect((await view(scene, interaction)).state).toBe('open');
  });

  it('is listed in pages, the oldest first', async () => {
    const scene = await working();
    const asked = [];
    for (let n = 0; n < 5; n += 1) asked.push(await askUser(scene));
    await resolve(scene, asked[1] ?? '', { answer: 'x' });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await scene.user.call('GET', `/sessions/${scene.id}/interactions?limit=2${cursor}`);
      seen.push(...body.data.map((one: { interaction_id: string }) => one.interaction_id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual(asked);
    const { body } = await scene.user.call('GET', `/sessions/${scene.id}/interactions?state=resolved`);
    expect(body.data).toMatchObject([{ interaction_id: asked[1], state: 'resolved' }]);
    expect((await scene.user.call('GET', `/sessions/${scene.id}/interactions?state=lost`)).status).toBe(422);
  });

  it('is described in OpenAPI', async () => {
    const { body } = await request('/openapi.json');
    const path = '/api/v1/sessions/{session_id}/interactions';
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([path, `${path}/{interaction_id}`, `${path}/{interaction_id}/resolve`]),
    );
  });
});

describe('the stream', () => {
  it('shows who comes in the seed’s dialect what is open, and nothing that is closed', async () => {
    const scene = await working();
    const closed = await askUser(scene);
    await resolve(scene, closed, { answer: 'x' });
    const open = await askQuestion(scene);
    const viewer = await scene.user.open(scene.id);
    expect(await viewer.next()).toMatchObject({ type: 'interaction.opened', interaction_id: open });
    const events = await scene.user.open(scene.id, '?format=events');
    expect(await events.next()).toMatchObject([{ type: 'interaction.opened', data: { interaction_id: open } }]);
    viewer.send({ type: 'ping' });
    expect(await viewer.next()).toMatchObject({ type: 'pong' });
    await resolve(scene, open, { answer: 'red' });
    expect(await viewer.next()).toMatchObject({ type: 'interaction.closed', interaction_id: open });
  });

  it('shows who comes with a cursor what was asked after it, once', async () => {
    const scene = await working();
    const open = await askQuestion(scene);
    const viewer = await scene.user.open(scene.id, '?after=0');
    const seen = await viewer.events(({ type }) => type === 'interaction.opened');
    expect(seen.at(-1)).toMatchObject({ data: { interaction_id: open } });
    viewer.send({ type: 'ping' });
    expect(await viewer.next()).toMatchObject({ type: 'pong' });
  });

  it('takes answers, and says what is wrong with them', async () => {
    const scene = await working();
    const interaction_id = await askLeave(scene);
    const viewer = await scene.user.open(scene.id, '?after=0');
    const say = async (frame: object) => {
      viewer.send({ type: 'resolve', interaction_id, ...frame });
      return viewer.next(({ type }) => type === 'resolved' || type === 'error');
    };
    expect(await say({})).toMatchObject({ type: 'error', code: 'invalid_request' });
    expect(await say({ answer: 'x', decision: 'allow' })).toMatchObject({ code: 'invalid_request' });
    expect(await say({ answer: 'x' })).toMatchObject({ code: 'answer_invalid' });
    expect(await say({ interaction_id: crypto.randomUUID(), decision: 'allow' })).toMatchObject({
      code: 'interaction_not_found',
    });
    expect(await say({ decision: 'deny', message: 'no' })).toEqual({ type: 'resolved', interaction_id });
    expect(await say({ decision: 'allow' })).toMatchObject({ code: 'interaction_closed' });
    expect((await scene.container.answer()).resolution).toMatchObject({ decision: 'deny', message: 'no' });
  });
});

describe('notify_user', () => {
  it('tells the user, and is answered at once', async () => {
    const scene = await working();
    const call_id = crypto.randomUUID();
    const input = { message: 'Half done', priority: 'low' as const, summary: '50%' };
    scene.container.say({ notice: 'tool_call', call_id, call: { tool: 'notify_user', input } });
    expect(await scene.container.answer()).toMatchObject({ command: 'tool_result', call_id, is_error: false });
    expect(await ofType(scene, 'session.notification')).toEqual([input]);
    expect(await show(scene.user, scene.id)).toMatchObject({ open_interactions: 0 });
  });
});

describe('a container that is not to be trusted', () => {
  it('asks once with an id, and cannot withdraw what was asked otherwise', async () => {
    const scene = await working();
    const { container } = scene;
    const interaction = await askQuestion(scene);
    const again = { kind: 'question' as const, questions: [{ ...color, question: 'Another?' }] };
    container.say({ notice: 'asked', interaction_id: interaction, tool_use_id: 'x', subject: again });
    container.say({
      notice: 'tool_call',
      call_id: interaction,
      call: { tool: 'ask_user', input: { question: 'Another?' } },
    });
    container.say({ notice: 'tool_cancelled', call_id: interaction });
    container.say({ notice: 'withdrawn', interaction_id: crypto.randomUUID() });
    await container.stored();
    expect(await view(scene, interaction)).toMatchObject({ state: 'open', subject: { questions: [color] } });
    expect(await ofType(scene, 'interaction.opened')).toHaveLength(1);
  });

  it('cannot withdraw what an earlier one asked', async () => {
    const scene = await working();
    const interaction = await askQuestion(scene);
    await scene.runner.end(scene.container);
    await scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'again' });
    const next = await scene.runner.start(scene.id);
    next.say({ notice: 'withdrawn', interaction_id: interaction });
    await next.stored();
    expect(await view(scene, interaction)).toMatchObject({ state: 'open', detached: true });
  });

  it('has so many questions open and no more: the next one is refused, and told why', async () => {
    const scene = await working();
    const { container } = scene;
    const first = await askUser(scene);
    for (let n = 1; n < MAX_OPEN; n += 1) await askUser(scene);
    const refused = await askUser(scene);
    expect(await container.answer()).toMatchObject({
      call_id: refused,
      is_error: true,
      text: expect.stringContaining(String(MAX_OPEN)),
    });
    const leave = await askLeave(scene);
    expect(await container.answer()).toMatchObject({ interaction_id: leave, resolution: { decision: 'deny' } });
    expect(await show(scene.user, scene.id)).toMatchObject({ open_interactions: MAX_OPEN });
    expect(await ofType(scene, 'interaction.opened')).toHaveLength(MAX_OPEN);
    await resolve(scene, first, { answer: 'x' });
    await container.answer();
    expect(await view(scene, await askLeave(scene))).toMatchObject({ state: 'open' });
  });

  it('is cut off for texts that are too long', async () => {
    const { container } = await working();
    const input = { question: 'x'.repeat(8001) };
    container.say({ notice: 'tool_call', call_id: crypto.randomUUID(), call: { tool: 'ask_user', input } });
    expect((await container.data.closed()).code).toBe(4400);
  });
});
