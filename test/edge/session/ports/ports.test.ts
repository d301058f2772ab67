import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionStore } from '../../../../durable/session/store/store.ts';
import { decodeLabel } from '../../../../protocol/preview/label.ts';
import { edgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { park, ran, sessionObject, type Ran } from '../../support/scene.ts';
import { ofType, useTool } from '../children/support/family.ts';
import { later } from '../interactions/support/asking.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const DAY_MS = 86_400_000;
type Scene = Pick<Ran, 'user' | 'id'>;

const share = async ({ user, id }: Scene, body: object = { port: 5173 }) =>
  user.call('POST', `/sessions/${id}/ports`, body);
const list = async ({ user, id }: Scene) => (await user.call('GET', `/sessions/${id}/ports`)).body;
const remove = async ({ user, id }: Scene, port: number) => user.call('DELETE', `/sessions/${id}/ports/${port}`);
const labelOf = (url: string) => new URL(url).hostname.replace('.localhost', '');

describe('a shared port', () => {
  it('has a URL of its own, which names the session, the port and a secret, and a key', async () => {
    const scene = await ran();
    const before = Date.now();
    const { status, body } = await share(scene, { port: 5173, label: ' the app ' });
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        port: 5173,
        label: 'the app',
        url: expect.stringMatching(/^http:\/\/[a-z2-7]{48}\.localhost\/\?cc_docker_key=[0-9a-f]{32}$/),
        created_at: expect.any(String),
        expires_at: expect.any(String),
        listening: false,
      },
    });
    expect(decodeLabel(labelOf(body.url))).toMatchObject({ session_id: scene.id, port: 5173 });
    expect(Date.parse(body.expires_at)).toBeGreaterThanOrEqual(before + DAY_MS);
    expect(await list(scene)).toEqual({ data: [body], listening: [] });
    const other = (await share(await ran(), { port: 5173 })).body;
    expect(decodeLabel(labelOf(other.url))?.secret).not.toEqual(decodeLabel(labelOf(body.url))?.secret);
    expect(ofType(await scene.user.events(scene.id), 'session.port_shared')).toEqual([
      { port: 5173, label: 'the app', expires_at: body.expires_at, by: 'owner' },
    ]);
  });

  it('that is shared again keeps its URL and label, and its time begins anew', async () => {
    const scene = await ran();
    const first = (await share(scene, { port: 80, label: 'site', ttl_seconds: 60 })).body;
    const again = (await share(scene, { port: 80, ttl_seconds: 2_592_000 })).body;
    expect(again).toEqual({ ...first, expires_at: again.expires_at });
    expect(Date.parse(again.expires_at) - Date.parse(first.expires_at)).toBeGreaterThan(29 * DAY_MS);
    expect((await list(scene)).data).toHaveLength(1);
  });

  it('that is removed is gone for good: shared anew, it has another URL', async () => {
    const scene = await ran();
    const first = (await share(scene)).body;
    expect((await remove(scene, 5173)).status).toBe(204);
    expect((await remove(scene, 5173)).body).toMatchObject({ status: 404, code: 'port_not_shared' });
    expect((await list(scene)).data).toEqual([]);
    expect((await share(scene)).body.url).not.toBe(first.url);
    expect(ofType(await scene.user.events(scene.id), 'session.port_unshared')).toEqual([
      { port: 5173, cause: 'removed' },
    ]);
  });

  it('ends with its time, and says so, after a restart of the edge too', async () => {
    const scene = await ran();
    await share(scene, { port: 5173, ttl_seconds: 60 });
    await share(scene, { port: 5174 });
    await evict(sessionObject(scene.id));
    await later(scene.id, 61);
    expect((await list(scene)).data).toMatchObject([{ port: 5174 }]);
    expect(ofType(await scene.user.events(scene.id), 'session.port_unshared')).toEqual([
      { port: 5173, cause: 'expired' },
    ]);
  });

  it('is one of so many', async () => {
    const scene = await ran();
    for (let port = 3000; port < 3020; port += 1) expect((await share(scene, { port })).status).toBe(201);
    expect((await share(scene, { port: 4000 })).body).toMatchObject({
      status: 429,
      code: 'ports_limit_reached',
      detail: expect.stringContaining('MAX_PORTS_PER_SESSION'),
    });
    expect((await share(scene, { port: 3000 })).status).toBe(201);
    await remove(scene, 3000);
    expect((await share(scene, { port: 4000 })).status).toBe(201);
  });

  it('is a number that a port can have, for a time within bounds, of the container alone', async () => {
    const scene = await ran();
    const wrong = [{}, { port: 0 }, { port: 65_536 }, { port: 1.5 }, { port: 80, label: '' }, { port: 80, host: 'db' }];
    for (const body of [...wrong, { port: 80, ttl_seconds: 59 }, { port: 80, ttl_seconds: 2_592_001 }])
      expect((await share(scene, body)).body, JSON.stringify(body)).toMatchObject({
        status: 422,
        code: 'invalid_request',
      });
  });

  it('is nothing of another owner’s, who learns nothing of it', async () => {
    const scene = await ran();
    await share(scene);
    const stranger = { user: new User(), id: scene.id };
    for (const answer of [
      await share(stranger),
      await stranger.user.call('GET', `/sessions/${scene.id}/ports`),
      await remove(stranger, 5173),
    ])
      expect(answer.body).toMatchObject({ status: 404, code: 'session_not_found' });
    expect((await list(scene)).data).toHaveLength(1);
  });
});

describe('an environment’s ports', () => {
  it('are shared with each session of it, from its creation on', async () => {
    const user = new User();
    const ports = [{ port: 5173, label: 'app' }, { port: 9000 }];
    expect((await user.call('PUT', '/environments/web', { ports })).status).toBeLessThan(300);
    const id = await user.createSession({ environment: 'web' });
    expect((await list({ user, id })).data).toMatchObject([
      { port: 5173, label: 'app' },
      { port: 9000, label: null },
    ]);
    expect(ofType(await user.events(id), 'session.port_shared')).toMatchObject([{ by: 'environment' }, { port: 9000 }]);
  });
});

describe('what listens in a container', () => {
  it('is told by events and shown in the list, until the container ends', async () => {
    const scene = await ran();
    await share(scene, { port: 5173 });
    const say = (port: number, state: 'open' | 'closed') =>
      scene.container.say({ notice: 'port', port, state, ...(state === 'open' && { process: 'node' }) });
    say(5173, 'open');
    say(8080, 'open');
    say(8080, 'closed');
    await scene.container.stored();
    const shown = await list(scene);
    expect(shown).toMatchObject({
      data: [{ port: 5173, listening: true }],
      listening: [{ port: 5173, process: 'node' }],
    });
    const of = { epoch: 1, process: 'node' };
    expect(ofType(await scene.user.events(scene.id), 'session.port')).toEqual([
      { ...of, port: 5173, state: 'open', shared: true },
      { ...of, port: 8080, state: 'open', shared: false },
      { ...of, port: 8080, state: 'closed', process: null, shared: false },
    ]);
    await park(scene);
    expect(await list(scene)).toMatchObject({ data: [{ port: 5173, listening: false }], listening: [] });
  });

  it('is what one container can have: no port closes that was not open, and not without end', async () => {
    const scene = await ran();
    scene.container.say({ notice: 'port', port: 9, state: 'closed' });
    for (let port = 1000; port < 1070; port += 1) scene.container.say({ notice: 'port', port, state: 'open' });
    await scene.container.stored();
    expect((await list(scene)).listening).toHaveLength(64);
    expect(ofType(await scene.user.events(scene.id), 'session.notice_refused')).toHaveLength(7);
  });
});

describe('the agent', () => {
  it('shares a port by tool, and gets the URL that its owner sees', async () => {
    const scene = await ran();
    const answer = await useTool(scene.container, { tool: 'share_port', input: { port: 3000, label: 'app' } });
    const { data } = await list(scene);
    const { port, url, expires_at, listening } = data[0];
    expect(answer).toMatchObject({ is_error: false, structured: { port, url, expires_at, listening } });
    expect(ofType(await scene.user.events(scene.id), 'session.port_shared')).toMatchObject([
      { port: 3000, by: 'agent' },
    ]);
  });

  it('whose session does not have the tool shares nothing', async () => {
    const scene = await ran({ config: { agent_tools: ['notify_user'] } });
    const answer = await useTool(scene.container, { tool: 'share_port', input: { port: 3000 } });
    expect(answer).toMatchObject({ is_error: true });
    expect((await list(scene)).data).toEqual([]);
  });
});

it('a service that has a name, and no domain for previews, says what its operator can do', async () => {
  const scene = await ran();
  const shared = await runInDurableObject(sessionObject(scene.id), async (_, { storage }) => {
    const { SessionPorts } = await import('../../../../durable/session/ports/ports.ts');
    const settings = edgeSettings.parse({ ...env, PUBLIC_URL: 'https://cc.example.org' });
    return new SessionPorts(new SessionStore(storage, settings, () => {})).share(
      { port: 1 },
      'owner',
      'http://localhost',
    );
  });
  expect(shared).toMatchObject({
    refused: 'previews_not_configured',
    detail: expect.stringContaining('PREVIEW_DOMAIN'),
  });
});
