import { runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { feedSession } from '../../../protocol/api/feed.ts';
import { generatedRuns } from '../../support/run/generated-runs.ts';
import { User } from '../support/api.ts';
import { directoryObject } from '../support/directory.ts';
import { useSettings } from '../support/edge-settings.ts';
import { emptyPool } from '../support/pool.ts';
import { askQuestion, resolve, working } from '../session/interactions/support/asking.ts';
import { FeedReader } from './support/feed-reader.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const rename = (user: User, id: string, title: string) => user.call('PATCH', `/sessions/${id}`, { title });
const remove = (user: User, id: string) => user.call('DELETE', `/sessions/${id}`);
/** The cursors of a feed are those of events that were stored, in order. */
const isRising = (cursors: number[]) => cursors.every((one, index) => index === 0 || one >= (cursors[index - 1] ?? 0));

describe('the feed of an owner', () => {
  it('begins with all that there is, and goes on with each change as it comes', async () => {
    const scene = await working();
    const { user, id } = scene;
    const interaction = await askQuestion(scene);
    await expect.poll(async () => (await user.call('GET', '/interactions')).body.data).toHaveLength(1);
    const reader = await (await new FeedReader().connect(user)).live();
    expect(reader.sessions.get(id)).toMatchObject({ status: 'running', open_interactions: 1 });
    expect(reader.waiting.get(interaction)).toMatchObject({ session_id: id, session: { status: 'running' } });

    await rename(user, id, 'the door');
    await reader.until((event) => event.type === 'session.changed' && event.data.title === 'the door');
    await resolve(scene, interaction, { answer: 'blue' });
    await reader.until(({ type }) => type === 'interaction.closed');
    const other = await user.createSession();
    await reader.until((event) => event.type === 'session.changed' && event.data.session_id === other);
    await remove(user, other);
    await reader.until(({ type }) => type === 'session.removed');
    expect([...reader.sessions.keys()]).toEqual([id]);
    expect(reader.waiting.size).toBe(0);
    expect(isRising(reader.events.map(({ cursor }) => cursor))).toBe(true);
    await reader.leave();
  });

  it('shows nothing of other owners', async () => {
    const user = new User();
    await user.createSession();
    const reader = await (await new FeedReader().connect(new User())).live();
    expect(reader.events.map(({ type }) => type)).toEqual(['feed.live']);
    await reader.leave();
  });

  it('goes on after a cursor: what has changed meanwhile comes once, as it is now, and what has gone is told', async () => {
    const user = new User();
    const [one, two, three] = [await user.createSession(), await user.createSession(), await user.createSession()];
    const reader = await (await new FeedReader().connect(user)).live();
    await reader.leave();
    for (const title of ['a', 'b', 'c']) await rename(user, one, title);
    await remove(user, two);
    await expect.poll(async () => (await user.call('GET', '/sessions')).body.data.at(-1).title).toBe('c');
    const before = reader.events.length;
    await (await reader.connect(user)).live();
    const came = reader.events.slice(before);
    expect(came.filter((event) => event.type === 'session.changed' && event.data.session_id === one)).toHaveLength(1);
    expect(came.filter(({ type }) => type === 'session.removed')).toHaveLength(1);
    expect([...reader.sessions.keys()].toSorted()).toEqual([one, three].toSorted());
    expect(reader.sessions.get(one)?.title).toBe('c');
    // As browsers resume.
    const resumed = await user.feed('', { 'last-event-id': String(reader.cursor) });
    const chunk = await resumed.body?.getReader().read();
    expect(new TextDecoder().decode(chunk?.value)).toBe(': feed\n\n');
  });

  it('is read in pages too', async () => {
    const user = new User();
    const id = await user.createSession();
    const first = (await user.call('GET', '/events')).body;
    expect(first).toMatchObject({ data: [{ type: 'session.changed', data: { session_id: id } }], next_cursor: null });
    await remove(user, id);
    const next = await user.call('GET', `/events?after=${first.last_cursor}`);
    expect(next.body.data).toMatchObject([{ type: 'session.removed', data: { session_id: id } }]);
    const lost = await user.call('GET', '/events?after=1000000000');
    expect(lost.body.data[0].type).toBe('feed.gap');
  });

  it('numbers its events higher after a restart', async () => {
    const user = new User();
    const id = await user.createSession();
    const reader = await (await new FeedReader().connect(user)).live();
    await reader.leave();
    const { cursor } = reader;
    await evict(directoryObject(user));
    await rename(user, id, 'after');
    await reader.connect(user, cursor);
    await reader.until((event) => event.type === 'session.changed' && event.data.title === 'after');
    expect(isRising(reader.events.map((event) => event.cursor))).toBe(true);
    await reader.leave();
  });

  it('tells a gap to who was away for long, and begins anew', async () => {
    const user = new User();
    const [one, two] = [await user.createSession(), await user.createSession()];
    const reader = await (await new FeedReader().connect(user)).live();
    await reader.leave();
    await remove(user, two);
    await runInDurableObject(directoryObject(user), (directory, { storage: { sql } }) => {
      // As many as are remembered have gone since.
      for (let n = 1; n <= 1000; n += 1) {
        sql.exec('INSERT INTO gone (version, session_id) VALUES (?, ?)', 100_000 + n, crypto.randomUUID());
      }
      sql.exec('DELETE FROM gone WHERE version < 100000');
      sql.exec('UPDATE feed_versions SET reserved = 200000');
      expect(directory).toBeDefined();
    });
    await evict(directoryObject(user));
    await (await reader.connect(user)).live();
    expect(reader.events.map(({ type }) => type)).toContain('feed.gap');
    expect([...reader.sessions.keys()]).toEqual([one]);
    await reader.leave();
  });

  it('tells a gap to who knows more than there is: the state is of an earlier backup', async () => {
    const user = new User();
    const id = await user.createSession();
    const reader = await (await new FeedReader().connect(user, 1_000_000_000)).live();
    expect(reader.events[0]?.type).toBe('feed.gap');
    expect([...reader.sessions.keys()]).toEqual([id]);
    await reader.leave();
  });

  it('is read by as many as an owner may have viewers, and a reader who leaves makes room', async () => {
    useSettings({ MAX_VIEWERS_PER_OWNER: '2', MAX_VIEWERS_PER_SESSION: '0' });
    const user = new User();
    const readers = [await new FeedReader().connect(user), await new FeedReader().connect(user)];
    expect((await user.feed()).status).toBe(429);
    await readers[0]?.leave();
    await expect.poll(async () => (await user.feed()).status).toBe(200);
  });

  it('ends with the token that opened it', async () => {
    const jti = crypto.randomUUID();
    const user = new User();
    const holder = user.withToken({ claims: { jti } });
    const reader = await (await new FeedReader().connect(holder)).live();
    const admin = new User('admin', { claims: { scope: 'admin' } });
    await admin.call('POST', '/revocations', { jti });
    expect(await reader.ended()).toContain(': the token has been revoked');
    await expect.poll(async () => (await holder.feed()).status).toBe(401);
  });

  it('leaves who reads it with what is so, wherever the connection breaks', async () => {
    const user = new User();
    const step = fc.oneof(
      fc.record({
        do: fc.constant('rename' as const),
        which: fc.nat(5),
        title: fc.string({ minLength: 1, maxLength: 8 }),
      }),
      fc.record({ do: fc.constant('create' as const) }),
      fc.record({ do: fc.constant('remove' as const), which: fc.nat(5) }),
      fc.record({ do: fc.constant('break' as const) }),
      fc.record({ do: fc.constant('restart' as const) }),
      fc.record({ do: fc.constant('read' as const) }),
    );
    const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const reader = await new FeedReader().connect(user);
      for (const one of steps) {
        const ids = [...reader.sessions.keys()];
        if (one.do === 'create') await user.createSession();
        if (one.do === 'read') await reader.live().catch(() => undefined);
        if (one.do === 'break') await reader.connect(user);
        if (one.do === 'rename' && ids.length > 0) await rename(user, ids[one.which % ids.length] ?? '', one.title);
        if (one.do === 'remove' && ids.length > 0) await remove(user, ids[one.which % ids.length] ?? '');
        if (one.do === 'restart') {
          await reader.leave();
          await evict(directoryObject(user));
          await reader.connect(user);
        }
      }
      await expect
        .poll(async () => {
          await (await reader.connect(user)).live();
          const { data } = (await user.call('GET', '/sessions?limit=200')).body;
          const listed = data.map((row: object) => feedSession.parse(row));
          const known = [...reader.sessions.values()].toSorted((a, b) => (a.session_id < b.session_id ? 1 : -1));
          return JSON.stringify(known) === JSON.stringify(listed);
        })
        .toBe(true);
      await reader.leave();
    });
    await fc.assert(property, { numRuns: generatedRuns(100) });
  });
});
