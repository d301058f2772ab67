import { expect, test } from 'vitest';
import { newKey, setUp, type BackendUnderTest } from './backend-under-test.ts';
import { PROMISES } from './promises.ts';

const AT_ONCE = 20;

const FORK_UNTIL_REFUSED = `
import os, signal
children = []
try:
    while len(children) < 200:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError as refusal:
    print(refusal.strerror)
for child in children:
    os.kill(child, signal.SIGKILL)
`;

/** From a container's launch to its end. */
export function lifeContract(backend: BackendUnderTest): void {
  const promises = PROMISES[backend.name];

  test('a launch starts a container that speaks with its session, and a stop ends it with nothing left', async () => {
    const { edge, begin, ask, reasonOf } = await setUp(backend);
    const key = newKey();
    await begin(key);
    expect(await edge.frame('started')).toMatchObject(key);
    await ask(key, 'hello there', /^echo hello there$/);
    await ask(key, 'spawn', /^spawned /);
    expect(await backend.running(key)).not.toEqual([]);
    edge.order({ kind: 'stop', ...key });
    expect(await reasonOf(key)).toMatchObject({ code: 'stopped_by_user' });
    await expect.poll(() => backend.running(key)).toEqual([]);
  });

  test('the same launch again, before it has started and after, is the same container', async () => {
    const { edge, launch, ask } = await setUp(backend);
    const key = newKey();
    launch(key);
    launch(key);
    await edge.frame('started');
    launch(key);
    await edge.frame('started', 1);
    await ask(key, 'hello', /^echo hello$/);
    expect(edge.session(key.session_id).hellos).toHaveLength(1);
    expect(edge.control.filter(({ kind }) => kind === 'ended')).toEqual([]);
  });

  test('a newer launch of a session ends the older container first, and an older one is refused', async () => {
    const { edge, launch, begin, ask, reasonOf } = await setUp(backend);
    const older = newKey();
    await begin(older);
    await ask(older, 'spawn', /^spawned /);
    // The next wrapper counts from one again.
    edge.sessions.delete(older.session_id);
    const newer = { ...older, epoch: 2 };
    launch(newer);
    await reasonOf(older);
    expect(await edge.frame('started', 1)).toMatchObject(newer);
    await ask(newer, 'spawn', /^spawned /);
    edge.control.length = 0;
    launch(older);
    expect(await reasonOf(older)).toMatchObject({ code: 'container_start_failed' });
  });

  test('a stop that comes while a container starts leaves none', async () => {
    const { edge, launch, reasonOf } = await setUp(backend);
    const key = newKey();
    launch(key);
    edge.order({ kind: 'stop', ...key });
    expect(await reasonOf(key)).toMatchObject({ code: 'stopped_by_user' });
    await expect.poll(() => backend.running(key)).toEqual([]);
  });

  test('to remove a session ends a container that does not listen to SIGTERM, with all that runs in it', async () => {
    const { edge, begin, ask } = await setUp(backend);
    const key = newKey();
    await begin(key);
    await ask(key, 'spawn', /^spawned /);
    await ask(key, 'stubborn', /^stubborn$/);
    edge.order({ kind: 'remove', session_id: key.session_id });
    await edge.frame('removed');
    await expect.poll(() => backend.running(key)).toEqual([]);
  });

  test(`a container that ends by itself tells its exit code${promises.log ? ' and the end of its log' : ''}`, async () => {
    const { edge, begin, reasonOf } = await setUp(backend);
    const key = newKey();
    await begin(key);
    edge.prompt(key.session_id, 'complain that it hurts');
    const reason = await reasonOf(key);
    expect(reason.code).toBe('container_exited');
    expect(reason.detail).toMatch(promises.log ? /code 9[^]*that it hurts/ : /code 9/);
    await expect.poll(() => backend.running(key)).toEqual([]);
  });

  test(`${AT_ONCE} launches at once are ${AT_ONCE} containers, each with its own session`, async () => {
    const { edge, begin, ask, reasonOf } = await setUp(backend, { capacity: AT_ONCE });
    const keys = Array.from({ length: AT_ONCE }, () => newKey());
    await Promise.all(keys.map((key) => begin(key)));
    await Promise.all(
      keys.map((key) => ask(key, `i am ${key.session_id}`, new RegExp(`^echo i am ${key.session_id}$`))),
    );
    for (const key of keys) {
      const echoes = edge
        .session(key.session_id)
        .items.filter((item) => typeof item === 'string' && item.startsWith('echo '));
      expect(echoes).toEqual([`echo i am ${key.session_id}`]);
      edge.order({ kind: 'stop', ...key });
    }
    expect(new Set((await Promise.all(keys.map(reasonOf))).map(({ code }) => code))).toEqual(
      new Set(['stopped_by_user']),
    );
    await expect.poll(async () => (await Promise.all(keys.map((key) => backend.running(key)))).flat()).toEqual([]);
  });

  if (promises.memory)
    test('a container that needs more memory than it may have ends as out_of_memory, and the reason says what to do', async () => {
      const { edge, begin, reasonOf } = await setUp(backend);
      const key = newKey();
      await begin(key);
      edge.prompt(key.session_id, 'eat');
      expect(await reasonOf(key)).toMatchObject({
        code: 'out_of_memory',
        detail: expect.stringMatching(/256 MB.*SESSION_MEMORY_MB/),
      });
    });

  if (promises.processes)
    test('a container has no more processes than it may have', async () => {
      const { begin, ask, edge } = await setUp(backend);
      const key = newKey();
      await begin(key);
      expect((await edge.frame('started')).resources).toMatchObject({ memory_mb: 256, cpus: 1, pids: 128 });
      expect(await ask(key, `sh python3 -c '${FORK_UNTIL_REFUSED}'`, /^sh: /)).toMatch(
        /Resource temporarily unavailable/,
      );
    });

  if (!promises.memory)
    test('a container without limits is told as one', async () => {
      const { begin, edge } = await setUp(backend);
      await begin(newKey());
      expect((await edge.frame('started')).resources).toBeNull();
    });
}
