import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askLeave, askQuestion, askUser, later, ofType, resolve, view, working } from './support/asking.ts';
import { emptyPool } from '../../support/pool.ts';
import { isCommand } from '../../support/runner.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

describe('a deadline', () => {
  it('that passes denies a permission, once, and tells the agent that nobody decided', async () => {
    const scene = await working({ interaction_timeout_seconds: 30 });
    const interaction = await askLeave(scene);
    await later(scene.id, 31);
    const command = await scene.container.answer();
    expect(command).toMatchObject({ interaction_id: interaction, resolution: { decision: 'deny' } });
    expect(command.resolution.message).toContain('Nobody decided in time');
    expect(scene.container.data.unread(isCommand)).toBe(0);
    expect(await view(scene, interaction)).toMatchObject({ state: 'expired', resolved_by: null });
    expect((await resolve(scene, interaction, { decision: 'allow' })).status).toBe(409);
    expect(await ofType(scene, 'interaction.closed')).toHaveLength(1);
  });

  it('that passes allows where the session says so', async () => {
    const scene = await working({ interaction_timeout_seconds: 30, permission_default: 'allow' });
    await askLeave(scene);
    await later(scene.id, 31);
    expect((await scene.container.answer()).resolution).toEqual({ kind: 'decision', decision: 'allow', message: null });
  });

  it('that passes takes the default of a question, or tells the agent to go on; none resolves empty', async () => {
    const scene = await working();
    await askUser(scene, { timeout_seconds: 5, default: '8080' });
    await askUser(scene, { timeout_seconds: 6 });
    await later(scene.id, 7);
    expect(await scene.container.answer()).toMatchObject({ text: expect.stringContaining('8080'), is_error: false });
    expect(await scene.container.answer()).toMatchObject({
      text: expect.stringContaining('best judgement'),
      is_error: false,
    });
    vi.useRealTimers();
    await askQuestion(scene);
    await later(scene.id, 1801);
    expect((await scene.container.answer()).resolution).toMatchObject({
      decision: 'deny',
      message: expect.stringContaining('Nobody answered in time'),
    });
  });

  it('comes by itself', async () => {
    const scene = await working({ interaction_timeout_seconds: 1 });
    await askLeave(scene);
    expect((await scene.container.answer()).resolution.decision).toBe('deny');
  });

  it('of a turn by default stands still while somebody is asked', async () => {
    const scene = await working({ interaction_timeout_seconds: 7000, timeout_seconds: 600_000 });
    const { user, id, message_id } = scene;
    const interaction = await askQuestion(scene);
    await later(id, 3500);
    expect((await resolve(scene, interaction, { answer: 'red' })).status).toBe(200);
    await scene.container.answer();
    vi.useRealTimers();
    await later(id, 3700);
    vi.useRealTimers();
    const { body } = await user.call('GET', `/sessions/${id}/messages/${message_id}`);
    expect(body.status).toBe('processing');
    expect(scene.container.data.unread(isCommand)).toBe(0);
    await later(id, 3500 + 3601);
    await scene.container.interrupted();
  });

  it('of a turn that its message says itself holds nevertheless', async () => {
    const scene = await working({}, { timeout_seconds: 10 });
    await askQuestion(scene);
    await later(scene.id, 11);
    await scene.container.interrupted();
  });
});
