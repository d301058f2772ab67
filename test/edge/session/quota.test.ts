import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Directory } from '../../../durable/directory/directory.ts';
import { User } from '../support/api.ts';
import { useSettings } from '../support/edge-settings.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { ran, SHARED, sharing, show, type Ran } from '../support/scene.ts';

beforeEach(emptyPool);

const KB = 1024;
const MB = KB ** 2;

const storage = async (user: User) => (await user.call('GET', '/storage')).body;

const chat = (user: User, id: string, prompt = 'go on') => user.call('POST', `/sessions/${id}/chat`, { prompt });

/** Its container says so many lines of 100 KB, or fewer if it is not heard any more. */
async function fill({ container, user, id }: Ran, lines: number): Promise<void> {
  for (let n = 0; n < lines; n += 1) {
    container.say({ type: 'assistant', message: { content: [{ type: 'text', text: 'x'.repeat(100 * KB) }] } });
    await container.stored();
    if ((await show(user, id)).status === 'stopped') return;
  }
}

const FULL = {
  status: 507,
  body: {
    code: 'quota_exceeded',
    detail: expect.stringMatching(/STORAGE_QUOTA_MB.*logs and messages of sessions.*Delete/s),
  },
};

describe('what an owner has stored', () => {
  it('is shown with its parts: what sessions keep counts too, and goes with them', async () => {
    const user = new User();
    const id = await user.createSession();
    await chat(user, id, 'y'.repeat(1000 * KB));
    await expect.poll(async () => (await storage(user)).session_bytes).toBeGreaterThan(MB);
    const { bytes, session_bytes, directory_bytes, total_bytes, quota_bytes } = await storage(user);
    expect({ bytes, quota_bytes }).toEqual({ bytes: 0, quota_bytes: null });
    expect(total_bytes).toBe(session_bytes + directory_bytes);
    await user.call('DELETE', `/sessions/${id}`);
    expect((await storage(user)).session_bytes).toBe(0);
  });

  it('is reported now and then, not with each event', async () => {
    const updates = vi.spyOn(Directory.prototype, 'update');
    const scene = await ran();
    await expect.poll(async () => (await show(scene.user, scene.id)).status).toBe('idle');
    await fill(scene, 3);
    const before = updates.mock.calls.length;
    for (let n = 0; n < 300; n += 1) scene.container.say({ type: 'system', subtype: 'x', n });
    await scene.container.stored();
    await fill(scene, 30);
    await expect.poll(async () => (await storage(scene.user)).session_bytes).toBeGreaterThan(3 * MB - 300 * KB);
    expect(updates.mock.calls.length - before).toBeLessThan(30);
    updates.mockRestore();
  });
});

describe('over the quota', () => {
  it('a session that goes on filling its log is parked; new work is refused; all that is stored can be read; with room made, it goes on', async () => {
    useSettings({ STORAGE_QUOTA_MB: '4' });
    const user = new User();
    const runner = await FakeRunner.connect();
    const scene = await ran({}, user, runner);
    const other = await user.createSession();
    const { id } = scene;
    for (let n = 0; n < 2; n += 1) await chat(user, other, 'z'.repeat(700 * KB));
    await expect.poll(async () => (await storage(user)).session_bytes).toBeGreaterThan(1.4 * MB);
    await fill(scene, 100);
    expect(await show(user, id)).toMatchObject({
      status: 'stopped',
      reason: { code: 'quota_exceeded', detail: expect.stringContaining(id) },
    });
    // It was stopped in time, and what it had said is there.
    expect((await storage(user)).total_bytes).toBeLessThan(8 * MB);
    const parked = (await user.events(id)).filter(({ type }) => type === 'session.status').at(-1);
    expect(parked?.data).toMatchObject({ status: 'stopped', reason: { code: 'quota_exceeded' } });
    expect((await user.call('GET', `/sessions/${id}/messages`)).status).toBe(200);

    expect(await chat(user, id)).toMatchObject(FULL);
    expect(await chat(user, other)).toMatchObject(FULL);
    expect(await user.call('POST', `/sessions/${other}/chat`, { prompt: 'x', stream: false })).toMatchObject(FULL);
    expect(await user.call('POST', '/sessions', {})).toMatchObject(FULL);
    expect(await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'x' })).toMatchObject(FULL);
    expect(await user.call('POST', `/sessions/${id}/snapshots`)).toMatchObject(FULL);
    for (const session of [id, other]) {
      const viewer = await user.open(session);
      viewer.send({ type: 'prompt', prompt: 'x' });
      expect(await viewer.next(({ type }) => type === 'error')).toMatchObject({ code: 'quota_exceeded' });
      viewer.close();
    }

    await runner.end(scene.container, 'stopped_by_user');
    expect((await user.call('DELETE', `/sessions/${other}`)).status).toBe(204);
    const accepted = await chat(user, id, 'there is room');
    expect(accepted.status).toBe(202);
    expect((await (await runner.start(id)).prompt()).prompt).toBe('there is room');
  });

  it('is known to a session that runs without being asked for each message, whichever session took the room', async () => {
    useSettings({ STORAGE_QUOTA_MB: '3' });
    const user = new User();
    const runner = await FakeRunner.connect();
    const [greedy, modest] = [await ran({}, user, runner), await ran({}, user, runner)];
    const asked = vi.spyOn(Directory.prototype, 'quotaRefusal');
    for (let n = 0; n < 5; n += 1) expect((await chat(user, modest.id)).status).toBe(202);
    expect(asked).not.toHaveBeenCalled();
    await fill(greedy, 100);
    expect((await show(user, greedy.id)).reason.code).toBe('quota_exceeded');
    await expect.poll(() => chat(user, modest.id)).toMatchObject(FULL);
    expect(await show(user, modest.id)).toMatchObject({ status: 'running' });
    await user.call('DELETE', `/sessions/${greedy.id}`);
    expect((await chat(user, modest.id)).status).toBe(202);
    await expect.poll(async () => (await storage(user)).total_bytes).toBeLessThan(3 * MB);
    asked.mockClear();
    await expect
      .poll(async () => {
        asked.mockClear();
        await chat(user, modest.id);
        return asked.mock.calls.length;
      })
      .toBe(0);
    asked.mockRestore();
  });

  it('what is deleted of snapshots makes room at once, though nobody can measure it; what is pruned does not', async () => {
    useSettings({ STORAGE_QUOTA_MB: '2' });
    const user = new User();
    const runner = await sharing();
    const [kept, removed] = [await ran({}, user, runner), await ran({}, user, runner)];
    const told = {
      version: kept.container.launch.files.version,
      storage: SHARED,
      final: false,
      trigger: 'periodic',
    } as const;
    await runner.report(removed.id, { ...told, owner_bytes: MB });
    for (let n = 0; n < 12; n += 1) await runner.report(kept.id, { ...told, owner_bytes: 3 * MB });
    await expect.poll(async () => (await storage(user)).snapshots).toBe(11);
    await expect.poll(() => chat(user, kept.id)).toMatchObject(FULL);
    const other = await ran({}, new User(), runner);
    expect((await chat(other.user, other.id)).status).toBe(202);
    expect((await user.call('DELETE', `/sessions/${removed.id}`)).status).toBe(204);
    expect((await chat(user, kept.id)).status).toBe(202);
  });
});
