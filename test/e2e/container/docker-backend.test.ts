import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Docker from 'dockerode';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { containerName, Label } from '../../../runner/backend/container-spec.ts';
import { DockerBackend, unsealable } from '../../../runner/backend/docker-backend.ts';
import { sessionFolders, type Owner } from '../../../runner/lib/session-folders.ts';
import { makeProbeImage } from '../../support/runner/probe-image.ts';
import { keptLog } from '../../support/quiet-log.ts';
import { launchOf, runRunner, type RunnerSetUp } from '../../support/runner/running-runner.ts';
import { until } from '../../support/until.ts';
import { scratch } from '../../support/scratch.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';

const RESOURCES = { memory_mb: 256, cpus: 1, pids: 128, workspace_mb: 1024, workspace_files: 100_000 };
const OWNER = { uid: 1000, gid: 1000 };
const newKey = (epoch = 1) => ({ session_id: randomUUID(), epoch });

/** A Python package with a program, as a file that pip takes without a network. */
const MAKE_WHEEL = `cd /tmp && python3 - <<'END'
import zipfile
info = 'own-1.0.dist-info/'
with zipfile.ZipFile('own-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('own.py', "def main(): print('mine')\\nif __name__ == '__main__': main()\\n")
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: own\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'entry_points.txt', '[console_scripts]\\nown = own:main\\n')
    wheel.writestr(info + 'RECORD', '')
END`;

const PIP = 'pip install -q --disable-pip-version-check /tmp/own-1.0-py3-none-any.whl';
/** A package of npm's with a program. */
const MAKE_PACKAGE =
  'mkdir /tmp/p && cd /tmp/p && echo \'{"name": "p", "version": "1.0.0", "bin": "./i.js"}\' > package.json && ' +
  'printf "#!/usr/bin/env node\\nconsole.log(1)" > i.js';
/** Without a venv and with one, and with npm's global folder; and what is said then. */
const WHAT_DEVELOPERS_TYPE: [command: string, said: string][] = [
  [MAKE_WHEEL, ''],
  [
    `${PIP} && own && python -c 'import own; print(own.__file__)'`,
    'mine\n/home/agent/.local/lib/python3.11/site-packages/own.py\n',
  ],
  [
    `cd /workspace && python -m venv v && . v/bin/activate && ${PIP} && command -v own && own`,
    '/workspace/v/bin/own\nmine\n',
  ],
  [
    `${MAKE_PACKAGE} && npm install -g --silent --install-links . && p && command -v p`,
    '1\n/home/agent/.local/bin/p\n',
  ],
];
/** The shortest way to a program of one's own. */
const MAKE_OWN: [command: string, said: string] = [
  'mkdir -p ~/.local/bin; printf "#!/bin/sh\\necho mine" > ~/.local/bin/own; chmod +x ~/.local/bin/own; own',
  'mine\n',
];

describeDocker('the docker backend', ({ docker, image }) => {
  let probe: Promise<string> | undefined;
  afterAll(async () => {
    if (probe !== undefined) await docker.getImage(await probe).remove({ force: true });
  });

  async function setUp(options: RunnerSetUp & { image?: string; engine?: Docker; owner?: Owner } = {}) {
    probe ??= makeProbeImage(docker, image, 'backend');
    const probeImage = await probe;
    const made = await runRunner({
      makeBackend: ({ runnerId }, log) => {
        const { image: own = probeImage, owner = OWNER } = options;
        const settings = { image: own, runnerId, owner, runtime: undefined };
        return new DockerBackend(settings, log, options.engine ?? docker);
      },
      ...options,
    });
    return {
      ...made,
      inspect: async (key: ReturnType<typeof newKey>) => await docker.getContainer(containerName(key)).inspect(),
    };
  }

  test('a session runs in a container that has no network, no privilege, and writes nowhere but where it works', async () => {
    const { edge, launch, inspect, session } = await setUp();
    const key = newKey();
    launch(key);
    expect(await edge.frame('started')).toMatchObject(key);
    edge.prompt(key.session_id, 'probe');
    const seen = JSON.parse(await edge.line(key.session_id, (line) => line.includes('"interfaces"')));
    expect(seen).toMatchObject({
      interfaces: ['lo'],
      uid: 1000,
      gid: 1000,
      capabilities: [0, 0, 0, 0, 0],
      noNewPrivileges: '1',
      seccomp: '2',
      writes: {
        '/x': 'EROFS',
        '/etc/x': 'EROFS',
        '/usr/local/bin/x': 'EROFS',
        '/run/cc-docker/x': 'EROFS',
        '/tmp/x': 'done',
        '/home/agent/x': 'done',
        '/workspace/x': 'done',
        '/claude/x': 'done',
      },
      sessionFolder: [
        'ca.p12',
        'ca.pem',
        'gitconfig',
        'group',
        'hosts',
        'launch.json',
        'link.sock',
        'model.sock',
        'passwd',
        'proxy.sock',
        'resolv.conf',
        'sockets',
      ],
    });
    expect(existsSync(path.join(session(key), 'workspace', 'x'))).toBe(true);
    const { HostConfig, Mounts } = await inspect(key);
    expect(HostConfig).toMatchObject({
      NetworkMode: 'none',
      Privileged: false,
      PidsLimit: 128,
      Memory: 256 * 1024 * 1024,
    });
    expect(Mounts.map(({ Destination }) => Destination).sort()).toEqual([
      '/claude',
      '/etc/group',
      '/etc/hosts',
      '/etc/passwd',
      '/etc/resolv.conf',
      '/home/agent',
      '/run/cc-docker',
      '/tmp',
      '/workspace',
    ]);
  });

  test('the same launch again, from a runner that forgot the first, is the same container', async () => {
    const { folder, edge, launch, runner, inspect, session } = await setUp();
    const key = newKey();
    launch(key);
    await edge.frame('started');
    const { Id } = await inspect(key);
    const backend = new DockerBackend(
      { image, runnerId: (await inspect(key)).Config.Labels[Label.runner] ?? '', owner: OWNER, runtime: undefined },
      keptLog().log,
      docker,
    );
    const folders = sessionFolders(path.dirname(session(key)), key.session_id);
    expect(await backend.start(key, folders, RESOURCES)).toEqual({ ok: true });
    expect((await inspect(key)).Id).toBe(Id);
    expect(folder).not.toBe('');
    await runner.kill();
    await expect(inspect(key)).rejects.toMatchObject({ statusCode: 404 });
  });

  // As the runner of root has them, and a runner of a user that no image knows.
  test.for([
    { owner: OWNER, commands: [MAKE_OWN] },
    { owner: { uid: 1001, gid: 1777 }, commands: WHAT_DEVELOPERS_TYPE },
  ])(
    'its user has a name and a home on the disk that outlives the container, and /tmp that does not: $owner.uid',
    async ({ owner, commands }) => {
      const { edge, launch, session } = await setUp({ owner });
      const key = newKey();
      const run = async (command: string): Promise<string> => {
        const answers = () =>
          edge
            .session(key.session_id)
            .items.map(String)
            .filter((item) => item.startsWith('sh: '));
        const before = answers().length;
        edge.prompt(key.session_id, `sh ${command}`);
        await edge.changes.until(() => answers().length > before);
        return answers()[before]?.slice('sh: '.length) ?? '';
      };
      launch(key);
      await edge.frame('started');
      expect(await run('whoami; id -gn; node -p "os.userInfo().username + os.userInfo().homedir"; echo ~agent')).toBe(
        'agent\nagent\nagent/home/agent\n/home/agent\n',
      );
      // What the image has of users stays, and nobody in here changes it.
      expect(await run('getent passwd root node | cut -d: -f1; touch /etc/passwd')).toMatch(
        /^root\nnode\n.*Permission denied/s,
      );
      expect(await run('ssh -G somewhere 2>&1 | grep "^user "; stat -c "%U %a" ~ /tmp')).toBe(
        'user agent\nagent 700\nagent 1777\n',
      );
      // Memory is 256 MB: more than half of that, which was too much for a home in memory.
      const filled = 'fallocate -l 140M ~/cache && fallocate -l 140M /tmp/part && du -sm --total ~ /tmp | tail -1';
      expect(await run(filled)).toMatch(/^28\d\ttotal/);
      expect(await run('df --output=size -m /dev/shm | tail -1')).toMatch(/^\s*128\n/);
      expect(await run('python3 -c "from multiprocessing import Lock; Lock(); print(1)"')).toBe('1\n');
      for (const [command, said] of commands) expect(await run(command)).toBe(said);

      // What the next container starts with is not what this one leaves in its place.
      await run('printf "#!/bin/sh\\nexit 1" > ~/.local/bin/node; chmod +x ~/.local/bin/node');
      // The runner removes links, and not where they lead.
      const outside = scratch();
      writeFileSync(path.join(outside, 'file'), 'of the host');
      await run(`ln -s ${outside} ~/out; ln -s ${outside} /tmp/out; ln -s ${outside}/file ~/file`);
      edge.order({ kind: 'stop', ...key });
      await edge.frame('ended');
      expect(existsSync(path.join(session(key), 'tmp'))).toBe(false);

      const next = { ...key, epoch: 2 };
      // Its wrapper counts from one again.
      edge.sessions.delete(key.session_id);
      launch(next);
      await edge.frame('started', 1);
      expect(await run('rm ~/.local/bin/node; own; ls ~; ls -A /tmp')).toBe('mine\ncache\nfile\nout\n');
      edge.order({ kind: 'remove', session_id: key.session_id });
      await edge.frame('removed');
      expect(existsSync(session(key))).toBe(false);
      expect(readFileSync(path.join(outside, 'file'), 'utf8')).toBe('of the host');
    },
  );

  test('a container that an earlier runner left paused goes on when it is adopted', async () => {
    const { folder, edge, launch, runner, inspect } = await setUp();
    const key = newKey();
    launch(key);
    await edge.frame('started');
    await runner.detach();
    await docker.getContainer(containerName(key)).pause();
    await setUp({ folder, edge });
    await edge.frame('hello', 1);
    await expect.poll(async () => (await inspect(key)).State.Paused).toBe(false);
    edge.prompt(key.session_id, 'hello there');
    await edge.line(key.session_id, (item) => item === 'echo hello there');
  });

  test('a container that is paused can be stopped', async () => {
    const { edge, launch, inspect } = await setUp();
    const key = newKey();
    launch(key);
    await edge.frame('started');
    // A busy kernel cannot always freeze all processes of a container in time; the engine says so.
    await until(() => docker.getContainer(containerName(key)).pause());
    edge.order({ kind: 'stop', ...key });
    expect(await edge.frame('ended')).toMatchObject({ ...key, reason: { code: 'stopped_by_user' } });
    await expect.poll(async () => await inspect(key).catch(() => 'gone')).toBe('gone');
  });

  test('a missing image is image_missing, in the session’s reason and in the runner’s health', async () => {
    const { edge, launch } = await setUp({ image: 'cc-docker-test/not-there:latest' });
    const hello = await edge.frame('hello');
    const detail = expect.stringContaining('docker pull cc-docker-test/not-there:latest');
    expect(hello.health).toMatchObject({ ok: false, detail });
    launch(newKey());
    const { reason } = await edge.frame('ended');
    expect(reason).toMatchObject({ code: 'image_missing', detail });
  });

  test('an image that is not built on the session image says so, in its health and when it is started', async () => {
    const folder = scratch();
    const container = await docker.createContainer({ Image: image });
    await container.commit({ repo: 'cc-docker-test/bare', tag: 'latest', changes: 'ENTRYPOINT ["nosuchprogram"]' });
    await container.remove();
    onTestFinished(async () => void (await docker.getImage('cc-docker-test/bare:latest').remove()));
    const { edge, launch } = await setUp({ image: 'cc-docker-test/bare:latest', folder });
    expect((await edge.frame('hello')).health).toMatchObject({
      ok: false,
      detail: expect.stringContaining('FROM the image of `npm run image`'),
    });
    launch(newKey());
    const { reason } = await edge.frame('ended');
    expect(reason).toMatchObject({
      code: 'container_start_failed',
      detail: expect.stringContaining('has no nosuchprogram'),
    });
  });

  test('a container that someone removes ends with that as its reason', async () => {
    const { edge, launch } = await setUp();
    const key = newKey();
    launch(key);
    await edge.frame('started');
    await docker.getContainer(containerName(key)).remove({ force: true });
    const { reason } = await edge.frame('ended');
    expect(reason).toMatchObject({
      code: 'container_exited',
      detail: expect.stringContaining('was removed from outside'),
    });
  });

  test('files that nobody may read are measured by a container that may read and nothing else, and is gone then', async () => {
    const folders = ['one', 'two'].map((name) => path.join(scratch(), name));
    for (const folder of folders) {
      mkdirSync(path.join(folder, 'closed'), { recursive: true });
      writeFileSync(path.join(folder, 'closed/large'), Buffer.alloc(1024 * 1024, 1));
      chownSync(path.join(folder, 'closed'), OWNER.uid, OWNER.gid);
      chmodSync(path.join(folder, 'closed'), 0o000);
    }
    const runnerId = randomUUID();
    const backend = new DockerBackend({ image, runnerId, owner: OWNER, runtime: undefined }, keptLog().log, docker);
    onTestFinished(() => backend.close());
    const [used, one] = await Promise.all([
      backend.privilegedMeasure(folders),
      backend.privilegedMeasure(folders.slice(1)),
    ]);
    expect([used.files, one.files]).toEqual([6, 3]);
    expect(used.bytes).toBeGreaterThanOrEqual(2 * 1024 * 1024);
    expect(one.bytes).toBeLessThan(2 * 1024 * 1024);
    const left = await docker.listContainers({ all: true, filters: { label: [`${Label.runner}=${runnerId}`] } });
    expect(left).toEqual([]);
  });

  test('another runner’s container of the same name is left alone', async () => {
    const { launch, edge, inspect } = await setUp();
    const key = newKey();
    const foreign = await docker.createContainer({ Image: image, name: containerName(key) });
    onTestFinished(async () => await foreign.remove({ force: true }));
    launch(key);
    expect((await edge.frame('ended')).reason.code).toBe('container_start_failed');
    expect((await inspect(key)).Id).toBe(foreign.id);
  });
});

test('an engine that is down is engine_unavailable, and the runner goes on', async () => {
  const engine = new Docker({ socketPath: path.join(scratch(), 'nobody.sock') });
  const { edge } = await runRunner({
    makeBackend: ({ runnerId }, log) =>
      new DockerBackend({ image: 'any', runnerId, owner: OWNER, runtime: undefined }, log, engine),
  });
  expect(await edge.frame('hello')).toMatchObject({
    health: { ok: false, detail: expect.stringContaining('does not answer') },
  });
  edge.order({ kind: 'launch', launch: launchOf(newKey()) });
  expect((await edge.frame('ended')).reason).toMatchObject({ code: 'engine_unavailable' });
});

test('an engine that cannot seal a container is not used', () => {
  const good = { SecurityOptions: ['name=seccomp,profile=default'], MemoryLimit: true, PidsLimit: true };
  expect(unsealable(good)).toBeUndefined();
  expect(unsealable({ ...good, SecurityOptions: [] })).toMatch(/seccomp/);
  expect(unsealable({ ...good, MemoryLimit: false })).toMatch(/memory/);
  expect(unsealable({ ...good, PidsLimit: false })).toMatch(/processes/);
  expect(unsealable(good, 'runsc')).toMatch(/no runtime runsc/);
  expect(unsealable({ ...good, Runtimes: { runsc: {} } }, 'runsc')).toBeUndefined();
});
