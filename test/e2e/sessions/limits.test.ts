import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CcDocker } from '../../../client/main.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';

const bash = (command: string) => script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' });

describeDocker('a session’s limits', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  /** Of an owner of its own: a session that outlives what two tests do in it. */
  let carol: Client;
  let shared: string;

  beforeAll(async () => {
    const runnerEnv = {
      DOCKER_HOST: host,
      SESSION_MEMORY_MB: '1024',
      SESSION_PIDS: '256',
      SESSION_WORKSPACE_MB: '200',
    };
    service = await Service.start({ backend: 'docker', image, runnerEnv, vars: { TERMINAL: '1' } });
    alice = await service.client('alice');
    carol = await service.client('carol');
    shared = await carol.createSession();
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await carol?.deleteSessions();
    await service?.stop();
  });

  test('are what it asks for within the runner’s, and are shown', async () => {
    const id = await alice.createSession({ resources: { memory_mb: 512, pids: 100_00, cpus: 0.5 } });
    const { result } = await alice.ask(
      id,
      bash(
        'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null',
      ),
    );
    expect(result).toMatch(/^256$/m);
    expect(result).toMatch(new RegExp(`^${512 * 1024 * 1024}$`, 'm'));
    const resources = { memory_mb: 512, cpus: 0.5, pids: 256, workspace_mb: 200 };
    expect(await alice.show(id)).toMatchObject({ resources });
  });

  test('of processes: a fork bomb ends as out_of_pids, which names the limit', async () => {
    const id = await alice.createSession();
    await alice.tell(id, bash('bomb() { bomb | bomb & }; bomb; sleep 60'));
    expect(await alice.endOf(id)).toMatchObject({
      code: 'out_of_pids',
      detail: expect.stringMatching(/256.*SESSION_PIDS/),
    });
  });

  test('of processes: a fork bomb in a person’s terminal ends that, and the session goes on', async () => {
    const token = await service.token('carol-at-the-terminal');
    const cc = new CcDocker({ url: service.url, token });
    const session = await cc.sessions.create();
    await session.ask(script({ text: 'ready' }));
    const bomb = session.terminal({ command: ['bash', '-c', 'bomb() { bomb | bomb & }; bomb; sleep 1000'], tty: true });
    for await (const _ of bomb.output);
    expect(await bomb.exited).toEqual({ code: null, signal: 'KILL' });
    // The same container: nothing was begun anew.
    expect((await session.ask(bash('ps -e | wc -l'))).text).toMatch(/^\s*\d{1,2}\s*$/);
    expect(await session.show()).toMatchObject({ status: 'idle' });
    await session.remove();
  });

  test('of processes: one that merely touches the limit goes on', async () => {
    const many = 'for n in $(seq 400); do sleep 2 & done 2>/dev/null; wait; echo over';
    await carol.ask(shared, bash(`bash -c '${many}' 2>&1 | tail -n 1`));
    expect((await carol.ask(shared, bash('echo still here'))).result).toContain('still here');
  });

  test('of its files: what fills workspace, home and /tmp together ends as out_of_disk, which names the limit; then it can be cleaned up', async () => {
    const id = await alice.createSession();
    // Each of the three would be fine by itself.
    await alice.tell(id, bash('for at in . ~ /tmp; do head -c 90M /dev/zero > $at/full; done; sleep 60'));
    expect(await alice.endOf(id)).toMatchObject({
      code: 'out_of_disk',
      detail: expect.stringMatching(/home and \/tmp.*200 MB/),
    });
    // The home is as it was left, and /tmp is empty.
    const cleaned = await alice.ask(id, bash('stat -c %s ./full ~/full; rm ./full ~/full; ls /tmp/full; echo cleaned'));
    expect(cleaned.result).toMatch(/^94371840\n94371840\n.*No such file.*\ncleaned/s);
  });

  test('of the workspace: no single file grows beyond it', async () => {
    const { result } = await carol.ask(
      shared,
      bash('head -c 250M /dev/zero > big; echo "exit $?"; stat -c %s big; rm big'),
    );
    expect(result).toContain('exit 153');
    expect(result).toContain(String(201 * 1024 * 1024));
  });

  test('of memory, with what is in /dev/shm: out_of_memory names the limit', async () => {
    const id = await alice.createSession({ resources: { memory_mb: 512 } });
    await alice.tell(id, bash('head -c 200M /dev/zero > /dev/shm/x; head -c 400M /dev/zero | tail'));
    expect(await alice.endOf(id)).toMatchObject({ code: 'out_of_memory', detail: expect.stringContaining('512 MB') });
  });
});
