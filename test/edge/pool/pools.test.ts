import { beforeEach, describe, expect, it } from 'vitest';
import { dial, request, User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner, storage } from '../support/runner.ts';
import { codeFor, enrol, newKey, signedBy } from '../support/runner-token.ts';

/** The pools here: `gpu`, which is gina's, and `open` (vitest.config.ts). */

const create = async (user: User, config: object = {}) => user.call('POST', '/sessions', { config });
const reasonOf = async (user: User, id: string) => (await user.call('GET', `/sessions/${id}`)).body.reason?.detail;

const enrolIn = async (pool: string, name: string, key: Awaited<ReturnType<typeof newKey>>) =>
  enrol(await codeFor(name, { claims: { pool } }), key);

/** A runner that enrols in a pool with a code, and connects. */
async function runnerIn(pool: string, name: string): Promise<FakeRunner> {
  const key = await newKey();
  expect(await enrolIn(pool, name, key)).toMatchObject({ status: 201 });
  const control = await dial('/control', await signedBy(key, name));
  const fine = { ok: true, detail: 'fine' };
  const hello = { kind: 'hello', version: '0', backend: 'process', health: fine, labels: {}, capacity: 5, running: [] };
  control.send({ ...hello, storage: storage('shared') });
  await control.next(({ kind }) => kind === 'welcome');
  return FakeRunner.of(name, control);
}

beforeEach(emptyPool);

describe('a pool', () => {
  it('has runners of its own: a session waits for one of its pool, and so do its children and forks', async () => {
    const gina = new User('gina');
    const plain = await FakeRunner.connect('plain');
    const made = await create(gina, { runner: { pool: 'gpu' } });
    expect(made.status).toBe(201);
    const id = made.body.session_id;
    await expect.poll(() => reasonOf(gina, id)).toMatch(/no runner of the pool "gpu".*--pool gpu/);
    const { body } = await gina.call('POST', `/sessions/${id}/spawn`, {
      prompt: 'x',
      config: { runner: { labels: {} } },
    });
    const child = body.child_session_id;
    const elsewhere = await gina.call('POST', `/sessions/${id}/spawn`, {
      prompt: 'x',
      config: { runner: { pool: 'open' } },
    });
    expect(elsewhere.body).toMatchObject({ code: 'child_too_wide', detail: expect.stringContaining('gpu') });
    const runner = await runnerIn('gpu', 'gpu-1');
    const container = await runner.start(id);
    expect((await runner.launch(child)).pool).toBe('gpu');
    expect(plain.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    await gina.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await runner.report(id, { version: container.launch.files.version, storage: 'shared' });
    const fork = await gina.call('POST', `/sessions/${id}/fork`, {});
    expect((await runner.launch(fork.body.session_id)).pool).toBe('gpu');
    const mine = await create(new User());
    expect((await plain.launch(mine.body.session_id)).pool).toBeUndefined();
  });

  it('is for those whom the operator names, and no name of another is told', async () => {
    const anybody = new User();
    const refused = await create(anybody, { runner: { pool: 'gpu' } });
    expect(refused).toMatchObject({ status: 403, body: { code: 'pool_forbidden' } });
    const unknown = await create(anybody, { runner: { pool: 'nowhere' } });
    expect(unknown).toMatchObject({ status: 422, body: { code: 'pool_unknown' } });
    expect(unknown.body.detail).not.toContain('gpu');
    expect((await create(anybody, { runner: { pool: 'open' } })).status).toBe(201);
  });

  it('is shown with its runners to who runs the service, and each is changed wherever it is', async () => {
    await FakeRunner.connect('here');
    await runnerIn('open', 'there');
    const admin = new User('root', { claims: { scope: 'admin' } });
    const { body } = await admin.call('GET', '/runners');
    const pools = Object.fromEntries(body.data.map((one: { name: string; pool: string }) => [one.name, one.pool]));
    expect(pools).toMatchObject({ here: 'default', there: 'open' });
    expect((await admin.call('POST', '/runners/there/cordon')).body).toMatchObject({ pool: 'open', state: 'cordoned' });
    expect((await admin.call('POST', '/runners/nobody/cordon')).status).toBe(404);
    const { runners } = (await request('/health')).body.parts.pool;
    expect(runners).toContainEqual(expect.objectContaining({ name: 'there', pool: 'open', cordoned: true }));
    expect(runners).toContainEqual(expect.not.objectContaining({ pool: 'default' }));
  });

  it('keeps its runners: a name is in one pool, and a code for a pool that there is not opens nothing', async () => {
    await FakeRunner.connect('settled');
    const key = await newKey();
    expect(await enrolIn('open', 'settled', key)).toMatchObject({
      status: 409,
      body: { code: 'runner_in_other_pool', detail: expect.stringContaining('default') },
    });
    expect((await enrolIn('nowhere', 'new', key)).body.code).toBe('pool_unknown');
    expect((await enrolIn('open', 'new', key)).status).toBe(201);
    expect((await enrolIn('default', 'new', key)).body.code).toBe('runner_in_other_pool');
    expect((await enrolIn('open', 'new', key)).status).toBe(201);
  });
});
