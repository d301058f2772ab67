import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../support/api.ts';
import { withSettings } from '../support/directory.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { show } from '../support/scene.ts';

beforeEach(emptyPool);

const builder = (name?: string) => FakeRunner.connect(name, { backend: 'docker', environments: true });
const put = (user: User, name: string, body: object) => user.call('PUT', `/environments/${name}`, body);
const TOOLS = {
  setup: 'apt-get update\napt-get install -y ripgrep\n',
  env: { LANG: 'C.UTF-8', STAGE: 'environment' },
  network: { presets: ['packages'] },
  secrets: ['npm'],
  skills: ['review'],
};

describe('an environment', () => {
  it('is set up, shown, listed beside those that the operator shares, replaced and removed', async () => {
    const user = new User();
    const { status, body } = await put(user, 'tools', TOOLS);
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'tools', shared: false, setup: TOOLS.setup, last_build: null });
    expect(body.network).toEqual({ allow: [], presets: ['packages'] });
    expect((await user.call('GET', '/environments/tools')).body).toEqual(body);

    const list = async () => (await user.call('GET', '/environments')).body.data;
    expect((await list()).map(({ name, shared }: { name: string; shared: boolean }) => [name, shared])).toEqual([
      ['common', true],
      ['tools', false],
    ]);
    expect((await put(user, 'tools', TOOLS)).body.revision).toBe(body.revision);
    const changed = await put(user, 'tools', { setup: 'true' });
    expect(changed.body).toMatchObject({ setup: 'true', created_at: body.created_at });
    expect(changed.body.revision).not.toBe(body.revision);
    expect(changed.body).not.toHaveProperty('env');

    expect((await user.call('DELETE', '/environments/tools')).status).toBe(204);
    expect((await user.call('GET', '/environments/tools')).body.code).toBe('environment_not_found');
    expect((await user.call('DELETE', '/environments/tools')).body.code).toBe('environment_not_found');
  });

  it('of one owner is not there for another', async () => {
    const alice = new User();
    const bob = new User();
    await put(alice, 'tools', TOOLS);
    expect((await bob.call('GET', '/environments/tools')).status).toBe(404);
    const refused = await bob.call('POST', '/sessions', { config: { environment: 'tools' } });
    expect(refused.status).toBe(404);
    expect(refused.body).toMatchObject({ code: 'environment_not_found', errors: [{ path: 'config.environment' }] });
    expect((await bob.call('GET', '/environments/tools/builds')).status).toBe(404);
  });

  it('takes no image that the operator has not named, no name of the reserved, and no more than are allowed', async () => {
    const user = new User();
    const image = await put(user, 'tools', { image: 'evil/python:3.13' });
    expect(image.status).toBe(403);
    expect(image.body).toMatchObject({ code: 'image_forbidden', errors: [{ path: 'image' }] });
    expect(image.body.detail).toContain('ENVIRONMENT_IMAGES, which allows python:*');
    expect((await put(user, 'tools', { image: 'python:3.13-slim' })).status).toBe(200);
    expect((await put(user, 'devcontainer', {})).status).toBe(422);
    expect((await put(user, 'Tools', {})).status).toBe(422);
    expect((await put(user, 'tools', { setup: 'true', sudo: true })).status).toBe(422);

    const bounds = { MAX_ENVIRONMENTS_PER_OWNER: '1', MAX_MCP_SERVERS: '1', MAX_PORTS_PER_SESSION: '1' };
    await withSettings(user, bounds, async (directory) => {
      expect(await directory.setEnvironment('more', {})).toMatchObject({
        refused: 'environments_limit_reached',
        detail: expect.stringContaining('MAX_ENVIRONMENTS_PER_OWNER'),
      });
      expect(await directory.setEnvironment('tools', {})).toMatchObject({ name: 'tools' });
      const mcp_servers = { a: { command: 'a' }, b: { command: 'b' } };
      expect(await directory.setEnvironment('tools', { mcp_servers })).toMatchObject({
        refused: 'invalid_request',
        errors: [{ path: 'mcp_servers' }],
      });
      const ports = [{ port: 3000 }, { port: 3001 }];
      expect(await directory.setEnvironment('tools', { ports })).toMatchObject({
        refused: 'invalid_request',
        errors: [{ path: 'ports' }],
      });
    });
  });

  it('of the operator’s cannot be removed, and one of the owner’s by the same name comes before it', async () => {
    const user = new User();
    const shared = (await user.call('GET', '/environments/common')).body;
    expect(shared).toMatchObject({ shared: true, image: 'debian:12', created_at: null });
    expect((await user.call('DELETE', '/environments/common')).body.code).toBe('environment_shared');
    await put(user, 'common', { setup: 'mine' });
    const runner = await builder();
    const id = await user.createSession({ environment: 'common' });
    expect((await runner.launch(id)).environment).toMatchObject({
      setup: 'mine',
      owner: expect.not.stringMatching(/^shared$/),
    });
    expect((await user.call('DELETE', '/environments/common')).status).toBe(204);
    const next = await user.createSession({ environment: 'common' });
    expect((await runner.launch(next)).environment).toMatchObject({ owner: 'shared', image: 'debian:12' });
  });
});

describe('a session of an environment', () => {
  it('has its own settings over those of the environment, and its container all that the image is built from', async () => {
    const user = new User();
    const { revision } = (await put(user, 'tools', TOOLS)).body;
    const runner = await builder();
    const id = await user.createSession({
      environment: 'tools',
      env: { STAGE: 'session' },
      network: { allow: ['api.example'] },
      secrets: ['db'],
    });
    const view = await show(user, id);
    expect(view.environment).toEqual({ name: 'tools', shared: false, revision });
    expect(view.config).toMatchObject({
      environment: 'tools',
      env: { LANG: 'C.UTF-8', STAGE: 'session' },
      network: { allow: ['api.example'], presets: [] },
      secrets: ['npm', 'db'],
      skills: ['review'],
    });
    const { config, environment } = await runner.launch(id);
    expect(config).not.toHaveProperty('environment');
    expect(config).toMatchObject({ env: { LANG: 'C.UTF-8', STAGE: 'session' }, skills: ['review'] });
    expect(environment).toEqual({
      name: 'tools',
      revision,
      owner: expect.stringMatching(/^[0-9a-f]{64}$/),
      setup: TOOLS.setup,
      env: TOOLS.env,
      network: { allow: [], presets: ['packages'] },
      secrets: ['npm'],
      allowed_images: ['python:*'],
    });
  });

  it('stays as it was created when the environment changes or goes, and so do its fork and its children', async () => {
    const user = new User();
    await put(user, 'tools', TOOLS);
    const runner = await builder();
    const id = await user.createSession({ environment: 'tools' });
    const container = await runner.start(id);
    const before = container.launch.environment;
    await put(user, 'tools', { setup: 'other', env: { STAGE: 'other' } });
    await user.call('DELETE', '/environments/tools');

    const child = await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'go', config: { environment: 'tools' } });
    expect(child.status, JSON.stringify(child.body)).toBe(201);
    expect((await runner.launch(child.body.child_session_id)).environment).toEqual(before);
    const wider = await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'go', config: { environment: 'common' } });
    expect(wider.body).toMatchObject({ code: 'child_too_wide', errors: [{ path: 'config.environment' }] });

    await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await runner.report(id, { version: container.launch.files.version });
    const fork = await user.call('POST', `/sessions/${id}/fork`, {});
    expect(fork.status, JSON.stringify(fork.body)).toBe(201);
    expect((await runner.launch(fork.body.session_id)).environment).toEqual(before);
    expect((await show(user, fork.body.session_id)).environment).toEqual((await show(user, id)).environment);

    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
    expect((await runner.launch(id)).environment).toEqual(before);
  });

  it('is the same session when its creation is repeated with its key, whatever the environment is by then', async () => {
    const user = new User();
    await put(user, 'tools', TOOLS);
    const create = () =>
      user.call('POST', '/sessions', { config: { environment: 'tools' } }, { 'idempotency-key': 'a-key' });
    const first = await create();
    await user.call('DELETE', '/environments/tools');
    const again = await create();
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body.session_id).toBe(first.body.session_id);
  });

  it('that has nothing to build runs on any runner; one that has waits for a runner that builds', async () => {
    const user = new User();
    await put(user, 'plain', { env: { A: '1' } });
    await put(user, 'tools', TOOLS);
    const plain = await FakeRunner.connect();
    const id = await user.createSession({ environment: 'plain' });
    expect(await plain.launch(id)).not.toHaveProperty('environment');
    const waiting = await user.createSession({ environment: 'tools' });
    await expect
      .poll(async () => (await show(user, waiting)).reason?.detail)
      .toMatch(/no runner .* builds such images/);
    const workspace = { type: 'ephemeral', git_repo: 'o/app' };
    const described = { workspace, config: { environment: 'devcontainer', env: { A: '2' } } };
    const { session_id: devcontainer } = (await user.call('POST', '/sessions', described)).body;
    await expect.poll(async () => (await show(user, devcontainer)).reason?.detail).toMatch(/builds such images/);

    plain.control.close();
    await emptyPool();
    const building = await builder();
    const { session_id: again } = (await user.call('POST', '/sessions', described)).body;
    expect((await building.launch(again)).environment).toMatchObject({
      name: 'devcontainer',
      revision: null,
      allowed_images: ['python:*'],
    });
  });
});
