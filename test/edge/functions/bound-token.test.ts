import { describe, expect, it } from 'vitest';
import { spawn } from '../session/children/support/family.ts';
import { User } from '../support/api.ts';

const NOBODY = '01900000-0000-7000-8000-000000000000';

/** A tree of alice's (`top` → `middle` → `deep`, and `beside` below `top`), and a token for `middle`. */
async function bound() {
  const alice = new User();
  const top = await alice.createSession();
  const middle = await spawn(alice, top);
  const deep = await spawn(alice, middle);
  const beside = await spawn(alice, top);
  return { alice, top, middle, deep, beside, user: alice.withToken({ claims: { sid: middle } }) };
}

describe('a token that is bound to a session', () => {
  it('reaches it and those below it, and nothing else is there', async () => {
    const { alice, top, middle, deep, beside, user } = await bound();
    const other = await alice.createSession();
    for (const id of [middle, deep]) expect((await user.call('GET', `/sessions/${id}`)).status).toBe(200);
    const unknown = await user.call('GET', `/sessions/${NOBODY}`);
    for (const id of [top, beside, other]) {
      for (const call of ['', '/events', '/children', '/files/a']) {
        expect(await user.call('GET', `/sessions/${id}${call}`)).toMatchObject({ status: 404, body: unknown.body });
      }
      expect((await user.call('POST', `/sessions/${id}/chat`, { prompt: 'hi' })).body).toEqual(unknown.body);
      expect((await user.call('DELETE', `/sessions/${id}`)).body).toEqual(unknown.body);
    }
    expect((await user.call('POST', `/sessions/${deep.toUpperCase()}/chat`, { prompt: 'hi' })).status).toBe(202);
  });

  it('lists its own part of the tree alone, page by page', async () => {
    const { middle, deep, user } = await bound();
    const listed = async (query: string) => (await user.call('GET', `/sessions${query}`)).body;
    expect(await listed('')).toMatchObject({ total: 2, sessions: [{ session_id: deep }, { session_id: middle }] });
    const first = await listed('?limit=1&status=queued');
    expect(first).toMatchObject({ total: 2, data: [{ session_id: deep }] });
    expect((await listed(`?limit=1&cursor=${first.next_cursor}`)).data).toMatchObject([{ session_id: middle }]);
    const { body } = await user.call('GET', `/sessions/${middle}/tree`);
    expect(body.nodes.map(({ session_id }: { session_id: string }) => session_id)).toEqual([middle, deep]);
  });

  it('begins sessions below its own, and no others', async () => {
    const { middle, deep, user } = await bound();
    const below = await spawn(user, deep);
    expect((await user.call('GET', `/sessions/${below}`)).status).toBe(200);
    for (const path of ['/sessions', `/sessions/${middle}/fork`]) {
      expect(await user.call('POST', path, {})).toMatchObject({ status: 403, body: { code: 'token_bound' } });
    }
  });

  it('has nothing of what is all its owner’s', async () => {
    const { user } = await bound();
    for (const path of ['/workspaces', '/workspaces/w', '/storage', '/discord/link']) {
      expect(await user.call('GET', path)).toMatchObject({ status: 403, body: { code: 'token_bound' } });
    }
  });

  it('of another’s session is of no use', async () => {
    const { middle, deep } = await bound();
    const bob = new User(undefined, { claims: { sid: middle } });
    for (const id of [middle, deep]) expect((await bob.call('GET', `/sessions/${id}`)).status).toBe(404);
    expect((await bob.call('GET', '/sessions')).body.total).toBe(0);
  });

  it('whose session is deleted has nothing left', async () => {
    const { middle, deep, user } = await bound();
    expect((await user.call('DELETE', `/sessions/${middle}`)).status).toBe(204);
    for (const id of [middle, deep]) expect((await user.call('GET', `/sessions/${id}`)).status).toBe(404);
    expect((await user.call('GET', '/sessions')).body.total).toBe(0);
  });

  it('is refused when it names no session', async () => {
    const user = new User(undefined, { claims: { sid: 'mine' } });
    expect(await user.call('GET', '/sessions')).toMatchObject({ status: 401, body: { code: 'token_invalid' } });
  });
});
