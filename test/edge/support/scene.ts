import { env } from 'cloudflare:test';
import { expect } from 'vitest';
import { User } from './api.ts';
import { FakeRunner, storage, type FakeContainer } from './runner.ts';

export const sessionObject = (id: string) => env.SESSION.get(env.SESSION.idFromName(id));

export const SHARED = 'shared';

/** A runner that sees the shared storage. */
export const sharing = (name?: string) => FakeRunner.connect(name, { storage: storage(SHARED) });

export const show = async (user: User, id: string) => (await user.call('GET', `/sessions/${id}`)).body;

/** A session that has run on a runner with the shared storage. */
export interface Ran {
  readonly user: User;
  readonly runner: FakeRunner;
  readonly id: string;
  readonly container: FakeContainer;
}

export async function ran(body: object = {}, user = new User(), runner?: FakeRunner): Promise<Ran> {
  const home = runner ?? (await sharing());
  const created = await user.call('POST', '/sessions', body);
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  const id = created.body.session_id;
  return { user, runner: home, id, container: await home.start(id) };
}

/** Stops the session, and waits until its container is gone. */
export async function park({ user, runner, id, container }: Ran): Promise<void> {
  await user.call('POST', `/sessions/${id}/stop`);
  await runner.end(container, 'stopped_by_user');
}

/** Parks the session, and has all that it wrote stored. */
export async function parkSaved(scene: Ran): Promise<string> {
  await park(scene);
  const { version } = scene.container.launch.files;
  return (await scene.runner.report(scene.id, { version, storage: SHARED })).snapshot_id;
}

export const wake = (user: User, id: string) => user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
