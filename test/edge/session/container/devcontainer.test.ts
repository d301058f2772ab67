import { beforeEach, expect, it } from 'vitest';
import type { DevcontainerNotice } from '../../../../protocol/link/environment/environment.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner } from '../../support/runner.ts';
import { wake } from '../../support/scene.ts';

beforeEach(emptyPool);

const REPOSITORY = { type: 'ephemeral', git_repo: 'o/app' };
const PLACE = { repo: 'https://github.com/o/app' };
const NOTICE: DevcontainerNotice = {
  host_notice: 'devcontainer',
  ...PLACE,
  commit: 'abc',
  setup: 'npm install --global --prefix "$HOME/.local" node@20\n',
  env: { APP: 'one' },
  devcontainer: {
    file: '.devcontainer/devcontainer.json',
    folder: '.',
    remote_env: { MODE: 'dev' },
    commands: [{ name: 'postCreateCommand', argv: ['/bin/sh', '-c', 'npm ci'] }],
  },
  ports: [{ port: 3000, label: 'Web' }],
  unsupported: [{ name: 'privileged', why: 'a session’s container is sealed, whatever a repository says' }],
};

async function scene() {
  const user = new User();
  const runner = await FakeRunner.connect(undefined, { backend: 'docker', environments: true });
  const config = { environment: 'devcontainer', env: { OWN: 'x' }, network: { allow: ['github.com'] } };
  const { session_id: id } = (await user.call('POST', '/sessions', { workspace: REPOSITORY, config })).body;
  const container = await FakeContainer.connect(await runner.launch(id));
  const told = async (...notices: DevcontainerNotice[]) => {
    container.data.send({ kind: 'host', first: 1, notices });
    await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === notices.length);
  };
  const events = async (type: string) =>
    (await user.events(id)).filter((event) => event.type === type).map(({ data }) => data);
  return { user, runner, id, container, told, events };
}

it('needs a repository, which describes it', async () => {
  const user = new User();
  const config = { environment: 'devcontainer' };
  for (const workspace of [{ type: 'ephemeral' }, { type: 'persistent', id: 'a' }]) {
    const refused = await user.call('POST', '/sessions', { workspace, config });
    expect([refused.status, refused.body.code]).toEqual([422, 'invalid_request']);
    expect(refused.body.detail).toMatch(/^config\.environment: "devcontainer" is the environment of a repository/);
  }
  const git = [{ repo: 'o/app' }];
  expect((await user.call('POST', '/sessions', { workspace: { type: 'ephemeral', git }, config })).status).toBe(201);
});

it('is asked for with what the session may do, and is kept as it was read: the next launch reads nothing', async () => {
  const { user, runner, id, container, told, events } = await scene();
  const asked = container.launch.environment;
  expect(asked).toMatchObject({ name: 'devcontainer', revision: null, network: { allow: ['github.com'] } });
  for (const field of ['image', 'setup', 'env', 'devcontainer']) expect(asked).not.toHaveProperty(field);
  await told(NOTICE, { ...NOTICE, setup: 'touch /second' });
  const { host_notice: _, setup: __, env: ___, devcontainer, ...shown } = NOTICE;
  expect(await events('environment.devcontainer')).toEqual([
    { epoch: 1, ...shown, file: devcontainer.file, image: null, features: true, commands: ['postCreateCommand'] },
  ]);
  const ports = await user.call('GET', `/sessions/${id}/ports`);
  expect(ports.body.data).toMatchObject([{ port: 3000, label: 'Web' }]);
  container.say({ notice: 'clone_failed', ...PLACE, detail: 'fatal: not found' });
  await container.stored();
  await runner.end(container);
  await wake(user, id);
  const again = await runner.launch(id);
  expect(again.workspace).toEqual(REPOSITORY);
  expect(again.environment).toMatchObject({ setup: NOTICE.setup, env: NOTICE.env, devcontainer });
  expect(again.environment).not.toHaveProperty('image');
  // The session's own variables stay apart: they are no part of the image.
  expect([again.config.env, again.environment?.env]).toEqual([{ OWN: 'x' }, { APP: 'one' }]);
});

it('has commands, which are shown; one that fails ends the launch, and all are tried again', async () => {
  const { user, runner, id, container, told, events } = await scene();
  await told(NOTICE);
  const { message_id } = (await user.call('POST', `/sessions/${id}/chat`, { prompt: 'x' })).body;
  const detail = 'postCreateCommand exited with code 1.\nnpm error';
  container.say(
    { notice: 'cloned', ...PLACE, commit: 'abc', ms: 5, more: true },
    { notice: 'command', name: 'onCreateCommand' },
    { notice: 'command', name: 'onCreateCommand', ms: 7, output: 'fine' },
    { notice: 'command', name: 'postCreateCommand' },
    { notice: 'prepare_failed', name: 'postCreateCommand', detail },
  );
  await container.stored();
  await runner.end(container);
  expect(await events('environment.command')).toEqual([
    { epoch: 1, name: 'onCreateCommand', state: 'started', ms: null, output: null },
    { epoch: 1, name: 'onCreateCommand', state: 'done', ms: 7, output: 'fine' },
    { epoch: 1, name: 'postCreateCommand', state: 'started', ms: null, output: null },
    { epoch: 1, name: 'postCreateCommand', state: 'failed', ms: null, output: detail },
  ]);
  const message = await user.call('GET', `/sessions/${id}/messages/${message_id}`);
  expect(message.body.error).toEqual({ code: 'environment_failed', detail });
  await wake(user, id);
  const launch = await runner.launch(id);
  expect(launch.workspace).toEqual(REPOSITORY);
  const second = await FakeContainer.connect(launch);
  second.say(
    { notice: 'cloned', ...PLACE, commit: 'abc', ms: 5, more: true },
    { notice: 'prepared', after_clone: true },
    { notice: 'ready', claude_version: '2.1.330' },
  );
  await second.stored();
  expect((await user.call('GET', `/sessions/${id}`)).body.status).toBe('running');
  // Once more, and from a container that may say nothing of the kind, it is refused.
  second.say({ notice: 'prepared', after_clone: true });
  await second.stored();
  expect(await events('session.notice_refused')).toMatchObject([{ notice: 'prepared' }]);
});

it('comes from no session that has not asked for it', async () => {
  const user = new User();
  const runner = await FakeRunner.connect();
  const { session_id: id } = (await user.call('POST', '/sessions', { workspace: REPOSITORY })).body;
  const container = await FakeContainer.connect(await runner.launch(id));
  container.data.send({ kind: 'host', first: 1, notices: [NOTICE] });
  await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === 1);
  container.say({ notice: 'command', name: 'x' }, { notice: 'prepared', after_clone: true });
  await container.stored();
  const types = (await user.events(id)).map(({ type }) => type);
  expect(types.filter((type) => /environment|refused/.test(type))).toEqual([
    'session.notice_refused',
    'session.notice_refused',
  ]);
});
