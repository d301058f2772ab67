import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { request, User } from '../../support/api.ts';
import { askLeave, askUser, ofType, resolve, view, working, type Scene } from './support/asking.ts';
import type { SessionRecord } from '../../../../durable/session/store/record.ts';
import { emptyPool } from '../../support/pool.ts';
import { sessionObject, show } from '../../support/scene.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);

/** A session in the middle of a turn that its owner, bob and carol may answer for. */
async function shared() {
  const [bob, carol] = [new User(), new User()];
  const scene = await working({ answerers: [bob.name, carol.name] });
  return { scene, bob, carol };
}

/** How the session looks to somebody else. */
const as = (user: User, scene: Scene): Scene => ({ ...scene, user });

const listed = async ({ user, id }: Scene, query = '') => {
  const { body } = await user.call('GET', `/sessions/${id}/interactions${query}`);
  return body.data.map((one: { interaction_id: string }) => one.interaction_id);
};

const shown = (scene: Scene, interaction: string) =>
  scene.user.call('GET', `/sessions/${scene.id}/interactions/${interaction}`);

describe('whom a session’s answerers name', () => {
  it('sees what it asks and answers it, and is said to have answered', async () => {
    const { scene, bob } = await shared();
    const bobs = as(bob, scene);
    const question = await askUser(scene);
    const leave = await askLeave(scene);
    expect(await listed(bobs, '?state=open')).toEqual([question, leave]);
    expect(await view(bobs, question)).toMatchObject({ state: 'open', answerers: null });
    const resolved = await resolve(bobs, question, { answer: '80' });
    expect(resolved).toMatchObject({ status: 200, body: { resolved_by: bob.name } });
    expect(await scene.container.answer()).toMatchObject({ call_id: question, text: '80' });
    await resolve(bobs, leave, { decision: 'deny' });
    expect((await scene.container.answer()).resolution).toMatchObject({ decision: 'deny' });
    expect(await ofType(scene, 'interaction.closed')).toMatchObject([
      { interaction_id: question, resolved_by: bob.name },
      { interaction_id: leave, resolved_by: bob.name },
    ]);
    expect((await resolve(scene, question, { answer: '443' })).body.detail).toContain(bob.name);
  });

  it('wakes a parked session with the answer', async () => {
    const { scene, bob } = await shared();
    const question = await askUser(scene);
    await scene.runner.end(scene.container);
    expect((await resolve(as(bob, scene), question, { answer: '80' })).status).toBe(200);
    expect((await (await scene.runner.start(scene.id)).prompt()).prompt).toContain('80');
  });

  it('sees and does nothing else of the session: each other call is answered as if there were no such session', async () => {
    const { scene, bob } = await shared();
    await askUser(scene);
    const { paths } = (await request('/openapi.json')).body;
    const bodies: Record<string, object> = {
      chat: { prompt: 'x' },
      spawn: { prompt: 'x' },
      ports: { port: 3000 },
      '{session_id}': { budget_usd: 1 },
    };
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      path.includes('{session_id}') && !path.includes('/interactions')
        ? Object.keys(methods as object).map((method) => ({ method: method.toUpperCase(), path }))
        : [],
    );
    expect(calls.length).toBeGreaterThan(15);
    for (const { method, path } of calls) {
      const called = path
        .replace('/api/v1', '')
        .replace('{session_id}', scene.id)
        .replace('{path}', 'a.txt')
        .replace('{port}', '3000')
        .replaceAll(/\{\w+\}/g, crypto.randomUUID());
      const body =
        method === 'POST' || method === 'PATCH' || method === 'PUT'
          ? (bodies[path.split('/').at(-1) ?? ''] ?? {})
          : undefined;
      const answer = await bob.call(
        method,
        called,
        body,
        /\/(stream|terminal)$/.test(path) ? { upgrade: 'websocket' } : {},
      );
      expect(answer, `${method} ${path}`).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
    }
    expect((await bob.call('GET', '/sessions')).body.data).toEqual([]);
    expect(await show(scene.user, scene.id)).toMatchObject({ status: 'running' });
  });

  it('are at most 32, and shown to the owner with the session’s settings', async () => {
    const { scene, bob, carol } = await shared();
    expect((await show(scene.user, scene.id)).config.answerers).toEqual([bob.name, carol.name]);
    const answerers = Array.from({ length: 33 }, (_, n) => `user ${n}`);
    expect(await new User().call('POST', '/sessions', { config: { answerers } })).toMatchObject({ status: 422 });
  });
});

describe('a question to certain people', () => {
  it('is answered by them alone; others of those who may answer are refused with their names, and not shown it', async () => {
    const { scene, bob, carol } = await shared();
    const [bobs, carols] = [as(bob, scene), as(carol, scene)];
    const anybodys = await askUser(scene);
    const question = await askUser(scene, { answerers: [carol.name] });
    expect(await listed(bobs)).toEqual([anybodys]);
    expect(await listed(carols)).toEqual([anybodys, question]);
    const refused = { status: 403, body: { code: 'not_your_question', detail: expect.stringContaining(carol.name) } };
    expect(await shown(bobs, question)).toMatchObject(refused);
    expect(await resolve(bobs, question, { answer: '80' })).toMatchObject(refused);
    expect(await view(carols, question)).toMatchObject({ state: 'open', answerers: [carol.name] });
    expect(await resolve(carols, question, { answer: '443' })).toMatchObject({
      status: 200,
      body: { resolved_by: carol.name },
    });
    expect(await scene.container.answer()).toMatchObject({ call_id: question, text: '443' });
    expect(await resolve(bobs, question, { answer: '443' })).toMatchObject(refused);
  });

  it('that leaves the owner out is shown to the owner, who cannot answer it, by call or by stream', async () => {
    const { scene, bob } = await shared();
    const question = await askUser(scene, { answerers: [bob.name] });
    expect(await listed(scene)).toEqual([question]);
    expect(await view(scene, question)).toMatchObject({ answerers: [bob.name] });
    expect(await resolve(scene, question, { answer: '80' })).toMatchObject({
      status: 403,
      body: { code: 'not_your_question', detail: expect.stringContaining(bob.name) },
    });
    const viewer = await scene.user.open(scene.id, '?after=0');
    viewer.send({ type: 'resolve', interaction_id: question, answer: '80' });
    expect(await viewer.next(({ type }) => type === 'resolved' || type === 'error')).toMatchObject({
      type: 'error',
      code: 'not_your_question',
      detail: expect.stringContaining(bob.name),
    });
    expect((await view(scene, question)).state).toBe('open');
    expect((await resolve(as(bob, scene), question, { answer: '80' })).status).toBe(200);
  });

  it('is paged past by whom it does not ask', async () => {
    const { scene, bob, carol } = await shared();
    const his: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const answerers = n % 2 === 0 ? [carol.name] : [bob.name, scene.user.name];
      const question = await askUser(scene, { answerers });
      if (n % 2 === 1) his.push(question);
    }
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await bob.call('GET', `/sessions/${scene.id}/interactions?limit=2${cursor}`);
      seen.push(...body.data.map((one: { interaction_id: string }) => one.interaction_id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual(his);
  });

  it('who may not answer is refused to the model with the names of those who may, and nobody is asked', async () => {
    const { scene, bob, carol } = await shared();
    const call_id = await askUser(scene, { answerers: [bob.name, 'mallory'] });
    const said = await scene.container.answer();
    expect(said).toMatchObject({ command: 'tool_result', call_id, is_error: true });
    const names = [scene.user.name, bob.name, carol.name].map((name) => JSON.stringify(name)).join(', ');
    expect(said.text).toContain(`"mallory" may not answer. "answerers" takes these names: ${names}.`);
    expect(await listed(scene)).toEqual([]);
  });
});

describe('what an earlier version stored', () => {
  it('is still asked of the owner, who answers it', async () => {
    const scene = await working({ agent_tools: ['ask_user'] });
    const question = await askUser(scene);
    const object = sessionObject(scene.id);
    // Until its list entry is sent, it writes its record anew, with all fields of today.
    const isQuiet = "SELECT json ->> '$.list.listed' = json ->> '$.list.changes' AS quiet FROM record";
    await expect
      .poll(() => runInDurableObject(object, (_, { storage: { sql } }) => sql.exec(isQuiet).one()))
      .toEqual({ quiet: 1 });
    await runInDurableObject(object, (_, { storage: { sql } }) => {
      sql.exec('DROP TABLE schema_version');
      sql.exec('DROP TABLE interaction_reminders');
      sql.exec("UPDATE interactions SET json = json_remove(json, '$.answerers', '$.reminders', '$.reminded')");
      const { json } = sql.exec<{ json: string }>('SELECT json FROM record').one();
      sql.exec('UPDATE record SET json = ?', JSON.stringify(firstVersion(JSON.parse(json) as SessionRecord)));
    });
    await evict(object);
    expect(await view(scene, question)).toMatchObject({ state: 'open', answerers: null });
    expect((await show(scene.user, scene.id)).config).toMatchObject({ answerers: [], interaction_reminders: 0 });
    expect((await resolve(scene, question, { answer: '80' })).status).toBe(200);
    const next = await askUser(scene, { answerers: [scene.user.name] });
    expect((await resolve(scene, next, { answer: '80' })).status).toBe(200);
  });
});

/** A record as the first version stored it, before sessions had answerers, children and Discord. */
function firstVersion({ identity, state, files, link, container, usage, list, ...rest }: SessionRecord): object {
  const { answerers: _answerers, interaction_reminders: _reminders, ...config } = identity.request.config;
  const { spawn: _spawn, ...known } = identity;
  const { permit: _permit, suspended: _suspended, shared: _shared, crowded: _crowded, ...stored } = state;
  return {
    identity: { ...known, request: { ...identity.request, config } },
    state: stored,
    files,
    link: { epoch: link.epoch, stored: link.stored, host_stored: link.notices_stored },
    container,
    holding: rest.leased,
    turns: usage.turns,
    cost_usd: usage.cost_usd,
    last_activity: rest.last_activity,
    pool: rest.place_request,
    changes: list.changes,
    told: list.listed,
  };
}
