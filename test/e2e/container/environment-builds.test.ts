import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containerSpec } from '../../../runner/backend/container-spec.ts';
import { withHelper } from '../../../runner/backend/helper-container.ts';
import { sessionFolders } from '../../../runner/lib/session-folders.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import {
  environmentImages,
  mountsWith,
  outputOf,
  OWNER,
  processesWith,
  RESOURCES,
} from '../../support/runner/environment-images.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

describeDocker('the image of an environment', ({ docker, image }) => {
  let runner: Awaited<ReturnType<typeof environmentImages>>;
  beforeAll(async () => {
    runner = await environmentImages({ docker, image, imageMb: 64, files: 3_000, buildSeconds: 60 });
  });
  afterAll(async () => await runner?.close());

  /** Runs a command in a container of the image, sealed as a session's is but for its run folder. */
  async function inSession(id: string, command: string): Promise<string> {
    const folders = sessionFolders(scratch(), 's');
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o777 });
    const spec = containerSpec(
      { image: id, runnerId: runner.runnerId, owner: OWNER, runtime: undefined },
      { session_id: randomUUID(), epoch: 1 },
      folders,
      RESOURCES,
    );
    const { Mounts: _, ...HostConfig } = spec.HostConfig;
    const options = { ...spec, Entrypoint: ['bash', '-c', `exec 2>&1; ${command}`], HostConfig };
    return await withHelper(docker, { job: 'test', runnerId: runner.runnerId, options }, async (container) => {
      await container.start();
      await container.wait();
      return textOf(await container.logs({ stdout: true })).trim();
    });
  }

  test('setup runs once for all who wait, as root; sessions find what it made, and can change none of it', async () => {
    const setup = `id -un; echo "$GREETING" > /etc/greeting; printf '#!/bin/sh\\necho tool' > ~/tool
      mkdir -p ~/.local/bin; install -m 755 ~/tool ~/.local/bin/tool; sleep 1; echo second >&2`;
    const env = { GREETING: 'hello' };
    const first = runner.ask(setup, { env });
    await until(() => expect(outputOf(first.notices)).toContain('root'));
    const second = runner.ask(setup, { env });
    const results = await Promise.all([first.result, second.result]);
    const [one, two] = results.map((result) => (result.ok ? result.image : undefined));
    expect(one).toEqual(two);
    for (const { notices } of [first, second]) {
      expect(notices.map(({ host_notice }) => host_notice)).toEqual([
        'build_started',
        ...Array.from({ length: notices.length - 2 }, () => 'build_output'),
        'build_ready',
      ]);
      expect(outputOf(notices)).toBe('root\nsecond\n');
      expect(notices.at(-1)).toMatchObject({ cached: false, bytes: expect.any(Number) });
    }
    expect(first.waiting[0]).toMatchObject({ code: 'environment_building' });
    const again = runner.ask(setup, { env });
    expect(await again.result).toEqual(results[0]);
    expect(again.notices).toMatchObject([
      { host_notice: 'build_ready', cached: true, build_id: JSON.parse(JSON.stringify(first.notices[0])).build_id },
    ]);
    const search = `PATH=${one?.path}`;
    expect(
      await inSession(
        one?.id ?? '',
        `id -u; cat /etc/greeting; ${search} tool; touch /etc/x ~root/x /opt/environment/x`,
      ),
    ).toMatch(/^1000\nhello\ntool\n(touch: .*\n?){3}$/);
  });

  test('apt’s own packages of users and services, a pip package and one of npm install without a network', async () => {
    const setup = `cd /tmp
      mkdir -p p && echo '{"name": "p", "version": "1.0.0", "bin": "./i.js"}' > p/package.json
      printf '#!/usr/bin/env node\\nconsole.log("by npm")' > p/i.js; npm install -g --silent --install-links ./p
      mkdir -p w/DEBIAN w/usr/bin w/srv/own; printf '#!/bin/sh\\necho by dpkg' > w/usr/bin/by-dpkg; chmod 755 w/usr/bin/by-dpkg
      printf 'Package: w\\nVersion: 1\\nArchitecture: all\\nMaintainer: n <n@x>\\nDescription: w\\n' > w/DEBIAN/control
      printf '#!/bin/sh\\nset -e\\nadduser --system --group --no-create-home --home /srv/own w\\nchown -R w:w /srv/own\\nsu -s /bin/sh w -c "touch /srv/own/x"\\n' > w/DEBIAN/postinst
      chmod 755 w/DEBIAN/postinst; dpkg-deb -b --root-owner-group w >/dev/null; apt-get install -q ./w.deb
      python3 - <<'END'
import zipfile
info = 'own-1.0.dist-info/'
with zipfile.ZipFile('own-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('own.py', "def main(): print('by pip')\\n")
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: own\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'entry_points.txt', '[console_scripts]\\nown = own:main\\n')
    wheel.writestr(info + 'RECORD', '')
END
      pip install -q --disable-pip-version-check ./own-1.0-py3-none-any.whl
      chmod 4755 /usr/bin/by-dpkg; cp /usr/bin/python3 /usr/bin/root-python; chmod 4755 /usr/bin/root-python
      ln -s /proc/1/root /escape; mknod /dev-sda b 8 0 || echo 'no device'
      (trap '' TERM HUP; exec -a left-behind sleep 1000) & disown`;
    const { result, notices } = runner.ask(setup);
    const made = await result;
    expect(outputOf(notices)).toContain('no device');
    if (!made.ok) throw new Error(made.reason.detail);
    const { id, path: search } = made.image;
    const said = await inSession(
      id,
      `PATH=${search}; p; by-dpkg; own; stat -c %U /srv/own/x
       root-python -c 'import os; print(os.getuid(), os.geteuid())'; ls /tmp /var/lib/apt/lists /var/cache/apt/archives | wc -w
       grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status | tr -d '\\t'; ps axo args | grep -c [l]eft-behind`,
    );
    expect(said.split('\n')).toEqual([
      'by npm',
      'by dpkg',
      'by pip',
      'w',
      '1000 1000',
      // The headings of two folders of three.
      expect.stringMatching(/^\d$/),
      'CapEff:0000000000000000',
      'CapBnd:0000000000000000',
      'NoNewPrivs:1',
      '0',
    ]);
    const { Config } = await docker.getImage(id).inspect();
    expect(Config).toMatchObject({ User: '1000:1000', WorkingDir: '/workspace' });
    expect(Config.Entrypoint).toEqual((await docker.getImage(image).inspect()).Config.Entrypoint);
    expect(Config.Env.join()).not.toMatch(/proxy|DEBIAN_FRONTEND/i);
  });

  /** What a build leaves: containers, images, processes, mounts, and files of the runner. */
  const left = async (mark: string) => {
    const builds = path.join(runner.folder, 'environments', 'builds');
    mkdirSync(builds, { recursive: true });
    return {
      containers: (await runner.containers()).length,
      images: await runner.made(),
      processes: processesWith(mark),
      mounts: mountsWith(runner.folder),
      files: readdirSync(builds),
    };
  };

  test.each<[string, string, string, RegExp]>([
    [
      'fails',
      'echo so far\nf() {\n  ls /nowhere\n}\nf',
      'environment_failed',
      /^`setup` exited with code 2 at line 3\.[^]*so far/,
    ],
    [
      'fills the disk',
      'for i in $(seq 50); do head -c 8M /dev/zero > /fill$i; done',
      'environment_too_large',
      /and 64 MB are allowed/,
    ],
    [
      'fills the disk with files',
      'mkdir /many; cd /many; seq 20000 | xargs touch; sleep 100',
      'environment_too_large',
      /and 3000 are allowed/,
    ],
    ['takes all memory', 'python3 -c "x = [bytearray(b\'x\' * 2**26) for _ in range(64)]"', 'out_of_memory', /512 MB/],
    [
      'forks without end',
      'python3 -c "\nimport os, time\nwhile True:\n  try: os.fork()\n  except OSError: time.sleep(0.1)\n"',
      'out_of_pids',
      /128 processes/,
    ],
    ['writes without end', 'timeout 3 yes out && exit 3 || exit 4', 'environment_failed', /exited with code 4[^]*out$/],
    [
      'goes beyond its network',
      'curl -sS --max-time 5 http://192.0.2.1/ || true; curl -sS https://other.test/',
      'environment_failed',
      /Its network policy refused: .*192\.0\.2\.1:80.*other\.test:443/,
    ],
    [
      'speaks in its program’s place',
      `echo '{"report":"done","env":{}}' > /proc/$PPID/fd/2; kill -9 $PPID; sleep 100`,
      'environment_failed',
      /Its end was not as it said|did not say why/,
    ],
  ])('a build that %s ends with its reason, and leaves nothing', async (_, setup, code, detail) => {
    const mark = randomUUID();
    const before = await left(mark);
    const { result, notices } = runner.ask(setup, { env: { MARK: mark } });
    const got = await result;
    if (got.ok) throw new Error('it was built');
    expect(got.reason.code).toBe(code);
    expect(got.reason.detail).toMatch(detail);
    expect(notices.at(-1)).toMatchObject({ host_notice: 'build_failed', reason: got.reason });
    expect(outputOf(notices).length).toBeLessThan(1024 * 1024);
    expect(await left(mark)).toEqual(before);
  });

  test('a build that hangs is ended after its time, one that nobody waits for any more at once', async () => {
    const brief = await environmentImages({ docker, image, buildSeconds: 3 });
    const hanging = brief.ask('echo begun; sleep 1000');
    expect(await hanging.result).toMatchObject({ ok: false, reason: { code: 'environment_timeout' } });
    await brief.close();

    const mark = randomUUID();
    const before = await left(mark);
    const leaving = [new AbortController(), new AbortController()];
    const asked = leaving.map(({ signal }) => runner.ask('echo begun; sleep 1000', { env: { MARK: mark } }, signal));
    await until(() => asked.forEach(({ notices }) => expect(outputOf(notices)).toContain('begun')));
    leaving[0]?.abort();
    await expect(asked[0]?.result).rejects.toThrow('aborted');
    expect(await runner.containers()).toHaveLength(1);
    leaving[1]?.abort();
    await expect(asked[1]?.result).rejects.toThrow('aborted');
    await until(async () => expect(await left(mark)).toEqual(before));
  });

  test('what a killed runner left of a build is removed at the next start, and nothing of others', async () => {
    const folder = scratch();
    const killed = await environmentImages({ docker, image, folder });
    const other = runner.ask('echo begun; sleep 5');
    const { notices } = killed.ask('echo begun; sleep 1000');
    await until(() => [notices, other.notices].forEach((some) => expect(outputOf(some)).toContain('begun')));
    const next = await environmentImages({ docker, image, folder, runnerId: killed.runnerId });
    expect(await next.containers()).toEqual([]);
    expect(readdirSync(path.join(folder, 'environments', 'builds'))).toEqual([]);
    expect(await other.result).toMatchObject({ ok: true });
    await Promise.all([killed.close(), next.close()]);
  });

  test('an image of another make gets what sessions need; what it lacks is named, and what cannot be is refused', async () => {
    const base = (await docker.getImage(image).history()).at(-1) as { Id: string };
    const foreign = `cc-docker-test/foreign:${randomUUID().slice(0, 8)}`;
    const [repo, tag] = foreign.split(':');
    const helper = await docker.createContainer({ Image: base.Id === '<missing>' ? image : base.Id, Cmd: ['true'] });
    const stranger = {
      repo,
      tag,
      Entrypoint: ['/bin/false'],
      User: 'nobody',
      Env: ['PATH=/own/bin:/usr/local/bin:/usr/bin:/bin', 'OWN=yes'],
    };
    try {
      await helper.commit(stranger);
      const lacking = runner.ask(undefined, { image: foreign });
      const first = await lacking.result;
      if (first.ok) throw new Error('it has git');
      expect(first.reason).toMatchObject({
        code: 'environment_image_unfit',
        detail: expect.stringContaining('lacks git'),
      });
      const { result } = runner.ask(
        'printf "#!/bin/sh\\necho mine" > /usr/bin/git; chmod 755 /usr/bin/git; echo $OWN > /own',
        {
          image: foreign,
        },
      );
      const made = await result;
      if (!made.ok) throw new Error(made.reason.detail);
      expect(made.image).toMatchObject({ env: { OWN: 'yes' }, path: expect.stringContaining(':/own/bin:') });
      expect(await inSession(made.image.id, 'cat /own; git; claude --version; /opt/cc-docker/bin/node -p 1+1')).toMatch(
        /^yes\nmine\n\d+\.\d+\.\d+ \(Claude Code\)\n2$/,
      );
      const missing = await runner.ask(undefined, { image: 'cc-docker-test/nowhere:1' }).result;
      expect(missing).toMatchObject({ ok: false, reason: { code: 'environment_image_missing' } });
      await helper.commit({ ...stranger, tag: `${tag}-volume`, Volumes: { '/data': {} } });
      const volume = await runner.ask(undefined, { image: `${foreign}-volume` }).result;
      expect(volume).toMatchObject({ ok: false, reason: { detail: expect.stringContaining('volumes (/data)') } });
    } finally {
      await helper.remove();
      for (const name of [`${foreign}-volume`, foreign])
        await docker
          .getImage(name)
          .remove({ force: true })
          .catch(() => {});
    }
  });

  test('images that no session starts from make room, and only this runner’s own are touched', async () => {
    const small = await environmentImages({ docker, image, storeMb: 1 });
    const others = await runner.made();
    const { result } = small.ask('head -c 3M /dev/urandom > /big');
    expect(await result).toMatchObject({ ok: true });
    expect(await small.made()).toHaveLength(1);
    // As if it had been used yesterday.
    const used = path.join(small.folder, 'environments', 'used');
    for (const name of readdirSync(used)) utimesSync(path.join(used, name), 0, 0);
    const next = await environmentImages({ docker, image, storeMb: 1, folder: small.folder, runnerId: small.runnerId });
    await until(async () => expect(await small.made()).toEqual([]));
    expect(await runner.made()).toEqual(others);
    await Promise.all([small.close(), next.close()]);
  });
});

/** Without the engine's framing. */
function textOf(framed: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length;) {
    const length = framed.readUInt32BE(at + 4);
    parts.push(framed.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
