import { beforeEach, describe, expect, it } from 'vitest';
import { emptyPool } from '../../support/pool.ts';
import { ask, working } from './support/mcp.ts';

beforeEach(emptyPool);

describe('wait_for_result', () => {
  it('gives the answer as soon as it is there', async () => {
    const { agent, container, ids } = await working();
    const waiting = agent.call('wait_for_result', ids);
    container.result(ids.message_id, 'Done so.');
    expect((await waiting).data).toEqual({
      ...ids,
      state: 'completed',
      result: 'Done so.',
      error: null,
      total_cost_usd: 0.25,
      duration_ms: 5,
      asked: [],
      next_step: null,
    });
  });

  it('gives an answer that came before, and the text of it to clients that read no data', async () => {
    const { agent, container, ids } = await working();
    container.result(ids.message_id, 'Before.');
    await container.stored();
    const { data, text } = await agent.call('wait_for_result', ids);
    expect(data).toMatchObject({ state: 'completed', result: 'Before.' });
    expect(JSON.parse(text)).toEqual(data);
  });

  it.each([0, 1])('says after %i seconds that it goes on, and how to wait on', async (timeout_seconds) => {
    const { agent, ids } = await working();
    const { data } = await agent.call('wait_for_result', { ...ids, timeout_seconds });
    expect(data).toMatchObject({ state: 'working', result: null, next_step: expect.stringContaining('again') });
  });

  it('waits through the events of other messages, and tells the client what is being said', async () => {
    const { agent, container, ids, of } = await working();
    const second = (await agent.call('send_message', { ...of, prompt: 'two' })).data;
    const told: (string | undefined)[] = [];
    const waiting = agent.call('wait_for_result', { ...of, message_id: second.message_id }, ({ message }) =>
      told.push(message),
    );
    container.say({ type: 'assistant', message: { content: [{ type: 'text', text: 'thinking of it' }] } });
    container.result(ids.message_id, 'one');
    await container.prompt();
    container.result(second.message_id, 'two');
    expect((await waiting).data).toMatchObject({ state: 'completed', result: 'two' });
    expect(told).toEqual(['The message is taken.']);
  });

  it('says why a message failed', async () => {
    const { agent, runner, container, ids } = await working();
    const waiting = agent.call('wait_for_result', ids);
    await runner.end(container, 'out_of_memory');
    expect((await waiting).data).toMatchObject({ state: 'failed', error: { code: 'out_of_memory' } });
  });

  it('returns when the agent asks; the answer goes to it, and the wait can go on', async () => {
    const { agent, container, ids, of } = await working();
    const waiting = agent.call('wait_for_result', ids);
    const interaction_id = await ask(container, 'question');
    const { data } = await waiting;
    expect(data).toMatchObject({ state: 'needs_answer', asked: [{ interaction_id, state: 'open' }] });
    expect(data.asked[0].subject.questions[0].question).toBe('Which?');
    const unfit = await agent.call('answer_interaction', { ...of, interaction_id, answer: 'blue' });
    expect(unfit).toMatchObject({ isError: true, text: expect.stringContaining('answer_invalid') });
    const answered = await agent.call('answer_interaction', { ...of, interaction_id, answer: 'red' });
    expect(answered.data).toMatchObject({ state: 'resolved', resolution: { answers: ['red'] } });
    expect(await container.answer()).toMatchObject({ interaction_id, resolution: { answers: ['red'] } });
    const on = agent.call('wait_for_result', ids);
    container.result(ids.message_id, 'It is red.');
    expect((await on).data).toMatchObject({ state: 'completed', result: 'It is red.' });
  });

  it('ends when the session is deleted', async () => {
    const { user, agent, ids } = await working();
    const waiting = agent.call('wait_for_result', ids);
    await user.call('DELETE', `/sessions/${ids.session_id}`);
    expect(await waiting).toMatchObject({ isError: true, text: expect.stringContaining('session_not_found') });
  });
});

describe('send_message', () => {
  it('returns at once, or waits for the answer', async () => {
    const { agent, container, ids, of } = await working();
    container.result(ids.message_id, 'one');
    const sent = await agent.call('send_message', { ...of, prompt: 'two' });
    expect(sent.data).toMatchObject({ state: 'working' });
    container.result((await container.prompt()).message_id, 'two');
    const waiting = agent.call('send_message', { ...of, prompt: 'three', wait: true });
    const { message_id, prompt } = await container.prompt();
    expect(prompt).toBe('three');
    container.result(message_id, 'the third');
    expect((await waiting).data).toMatchObject({ message_id, state: 'completed', result: 'the third' });
  });

  it('wakes a session that was stopped', async () => {
    const { agent, runner, container, of } = await working();
    expect((await agent.call('stop_session', of)).data).toMatchObject({ status: 'stopped' });
    await runner.end(container, 'stopped_by_user');
    await agent.call('send_message', { ...of, prompt: 'again' });
    const woken = await runner.start(of.session_id);
    expect((await woken.prompt()).prompt).toBe('again');
  });
});

describe('permissions', () => {
  it('are listed without more of their input than can be read, and decided', async () => {
    const { agent, container, of } = await working({ permission_mode: 'ask' });
    const interaction_id = await ask(container, 'permission');
    const { data } = await agent.call('list_interactions', of);
    expect(data).toMatchObject({
      interactions: [{ interaction_id, subject: { kind: 'permission', tool_name: 'Bash', input: null } }],
      next_cursor: null,
    });
    const both = { ...of, interaction_id, answer: 'yes', decision: 'allow' };
    expect(await agent.call('answer_interaction', both)).toMatchObject({
      isError: true,
      text: expect.stringContaining('give one of the two'),
    });
    await agent.call('answer_interaction', { ...of, interaction_id, decision: 'deny', message: 'Not now.' });
    expect(await container.answer()).toMatchObject({ resolution: { decision: 'deny', message: 'Not now.' } });
    const again = await agent.call('answer_interaction', { ...of, interaction_id, decision: 'allow' });
    expect(again).toMatchObject({ isError: true, text: expect.stringContaining('interaction_closed') });
    expect((await agent.call('list_interactions', of)).data.interactions).toEqual([]);
    expect((await agent.call('list_interactions', { ...of, state: 'resolved' })).data.interactions).toHaveLength(1);
  });
});

describe('get_events', () => {
  it('tells in words what was said and done, cut when long, and where to go on', async () => {
    const { agent, container, ids, of } = await working();
    container.say(
      { type: 'system', subtype: 'init', model: 'opus', tools: ['Bash'] },
      {
        type: 'assistant',
        message: {
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 't', name: 'Bash', input: { command: 'ls' } },
          ],
        },
      },
      { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't', content: 'y'.repeat(5000) }] } },
    );
    container.result(ids.message_id, 'Nothing there.');
    await container.stored();
    const { data } = await agent.call('get_events', { ...of, limit: 200 });
    const texts = (type: string) =>
      data.events.filter((event: { type: string }) => event.type === type).map(({ text }: { text: string }) => text);
    expect(texts('message.queued')[0]).toContain('work');
    expect(texts('system')).toEqual(['init opus']);
    expect(texts('assistant')).toEqual(['I look.\nBash {"command":"ls"}']);
    expect(texts('user')[0]).toMatch(/^result: y{900,1000}… \(\d+ more characters\)$/);
    expect(texts('result')).toEqual(['success: Nothing there.']);
    expect(data.next_after).toBe(data.last_seq);
    const rest = await agent.call('get_events', { ...of, after: data.last_seq - 1 });
    expect(rest.data.events).toHaveLength(1);
    expect((await agent.call('get_events', { ...of, after: data.last_seq })).data.events).toEqual([]);
  });

  it('gives no more at once than can be read', async () => {
    const { agent, container, of } = await working();
    const text = 'z'.repeat(2000);
    container.say(...Array.from({ length: 60 }, () => ({ type: 'assistant', message: { content: text } })));
    await container.stored();
    const seen: number[] = [];
    for (let after = 0, end = 1; after < end;) {
      const { data, text } = await agent.call('get_events', { ...of, after, limit: 200 });
      expect(text.length).toBeLessThan(50_000);
      seen.push(...data.events.map(({ seq }: { seq: number }) => seq));
      after = data.next_after;
      end = data.last_seq;
    }
    expect(seen.length).toBeGreaterThan(60);
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });
});
