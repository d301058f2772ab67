import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { CcDocker } from '../../../client/main.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { hasIPv6Loopback, layBait, SITE_ADDRESS, type Bait } from '../../support/e2e/hostile/bait.ts';
import { backwards } from '../../support/e2e/hostile/canary.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv, type TestNames } from '../../support/e2e/test-names.ts';
import { nextSpare, spareOf } from '../../support/warm/spares.ts';

const SCRIPT = path.join(import.meta.dirname, '../../support/e2e/hostile', 'hostile-script.py');
const SEEK = path.join(import.meta.dirname, '../../support/e2e/hostile', 'seek.py');
const FORGER = path.join(import.meta.dirname, '../../support/e2e/hostile', 'forging-script.py');
const WORD = `the other session's word ${randomBytes(8).toString('hex')}`;
const SECRET = `secret-${randomBytes(16).toString('hex')}`;

/** Names of the host and of clouds, which a resolver might know. */
const HOST_NAMES = ['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal', os.hostname()];
const HOST_ADDRESSES = Object.values(os.networkInterfaces())
  .flatMap((card) => card ?? [])
  .map(({ address }) => address.replace(/%.*$/, ''))
  .filter((address) => address !== '127.0.0.1' && address !== '::1');
/** On the site's own address, and not on the list. */
const UNLISTED = ['notsite.test', 'site.test.evil.test', 'evil-site.test', 'wild.test', 'evilwild.test', 'sitetest'];

/** Below `.test`, and on the list. */
const NARROW = ['site', '*.wild', 'mixed', 'rebind', 'rebind-twice', 'rebind-plain', 'rebind-forward'];

const NAMES: TestNames = {
  'site.test': [[SITE_ADDRESS]],
  'a.wild.test': [[SITE_ADDRESS]],
  ...Object.fromEntries(UNLISTED.map((name) => [name, [[SITE_ADDRESS]]])),
  ...Object.fromEntries(HOST_NAMES.map((name) => [name, [['127.0.0.1']]])),
  'localhost.localdomain': [['127.0.0.1']],
  'foo.localhost': [['127.0.0.1']],
  'ip6-localhost': [['::1']],
  'private.test': [['127.0.0.1']],
  'metadata.test': [['169.254.169.254']],
  'metadata.google.internal': [['169.254.169.254']],
  'mixed.test': [[SITE_ADDRESS, '127.0.0.1']],
  // They change their mind once they have been judged.
  'rebind.test': [[SITE_ADDRESS], ['127.0.0.1']],
  'rebind-twice.test': [[SITE_ADDRESS], [SITE_ADDRESS], ['127.0.0.1']],
  'rebind-plain.test': [[SITE_ADDRESS], ['127.0.0.1'], [SITE_ADDRESS], ['127.0.0.1']],
  'rebind-forward.test': [[SITE_ADDRESS], ['127.0.0.1']],
};

const report = z.object({
  before: z.record(z.string(), z.boolean()),
  after: z.record(z.string(), z.boolean()),
  attempts: z.array(
    z.object({ number: z.int(), name: z.string(), verdict: z.string(), detail: z.string(), seconds: z.number() }),
  ),
});

/** `HOSTILE_REPORT=FILE`: what became of each attempt, to read. */
async function keep(name: string, text: string): Promise<void> {
  const file = process.env['HOSTILE_REPORT'];
  if (file !== undefined) await writeFile(`${file}.${name}.json`, text);
}

describeDocker('an agent that wants out', ({ host, image }) => {
  let folder: string;
  let bait: Bait;
  let service: Service;
  let mallory: Client;
  let bob: Client;
  let victim: string;
  /** A session of the agent's that started cold. */
  let cold: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-hostile-'));
    bait = await layBait();
    const hosts = [`api.test:${bait.sitePort}`];
    service = await Service.start({
      backend: 'docker',
      image,
      vars: { TERMINAL: '1' },
      runnerEnv: {
        DOCKER_HOST: host,
        WARM_SESSIONS: '1',
        ...testNamesEnv(NAMES, path.join(folder, 'asked')),
        EGRESS_ALLOW_PRIVATE: `${SITE_ADDRESS}:${bait.sitePort}`,
        CC_SECRET_API: JSON.stringify({ value: SECRET, hosts, as: 'bearer' }),
        CC_SECRET_FORGE: JSON.stringify({ value: SECRET, hosts: [`forge.test:${bait.sitePort}`], as: 'gitea' }),
      },
    });
    mallory = await service.client('mallory');
    bob = await service.client('bob');
    victim = await bob.createSession();
    await bob.ask(victim, 'Hello');
    await writeFile(service.workspace(victim, 'word.txt'), WORD);
  });
  afterAll(async () => {
    await mallory?.deleteSessions();
    await bob?.deleteSessions();
    await service?.stop();
    await bait?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** In the agent's own shell, or in a terminal that its owner opens beside it. */
  const RUN = {
    agent: async (id: string, command: string) =>
      (
        await mallory.ask(
          id,
          script({ tool: 'Bash', input: { command, timeout: 600_000 } }, { text: '{{last_tool_result}}' }),
        )
      ).result,
    terminal: async (id: string, command: string) => {
      const cc = new CcDocker({ url: service.url, token: await service.token('mallory') });
      const terminal = cc.session(id).terminal({ command: ['bash', '-c', command], tty: true });
      const said: Uint8Array[] = [];
      for await (const { stream, bytes } of terminal.output) if (stream !== 'gap') said.push(bytes);
      return Buffer.concat(said).toString();
    },
  };

  /** What the script is told of what there is to find. */
  function planFor(mode: 'narrow' | 'open' | 'build') {
    const data = path.join(service.folder, 'runner');
    return {
      mode,
      site: { host: 'site.test', port: bait.sitePort },
      bait_port: bait.baitPort,
      abstract: bait.abstract,
      host_names: [...HOST_NAMES, ...HOST_ADDRESSES, '172.17.0.1'],
      unlisted: [...UNLISTED, 'leak.exfil.test'],
      engine_sockets: host?.startsWith('unix://') === true ? [host.slice('unix://'.length)] : [],
      victim: { id: victim, folder: path.join(data, 'sessions', victim), word: backwards(WORD) },
      secret: backwards(SECRET),
      data_folder: data,
    };
  }

  async function runHostile(
    mode: 'narrow' | 'open',
    allow: string[],
    where: keyof typeof RUN,
    start: 'cold' | 'warm',
  ): Promise<z.infer<typeof report>> {
    // The first such session has no spare that fits; one is then made for its like.
    if (start === 'warm') await nextSpare(service, cold);
    const id = await mallory.createSession({ network: { allow }, secrets: ['api', 'forge'] });
    await mallory.ask(id, 'Hello');
    expect(spareOf(service, id) === undefined ? 'cold' : 'warm').toBe(start);
    cold = id;
    const plan = planFor(mode);
    await writeFile(service.workspace(id, 'plan.json'), JSON.stringify(plan));
    await copyFile(SCRIPT, service.workspace(id, 'hostile.py'));
    await copyFile(SEEK, service.workspace(id, 'seek.py'));
    const command = 'python3 hostile.py plan.json result.json 2>&1';
    const result = await RUN[where](id, command);
    const text = await readFile(service.workspace(id, 'result.json'), 'utf8').catch(() => '');
    if (text === '') throw new Error(`the script did not come to its end: ${result}`);
    await keep(mode, text);
    return report.parse(JSON.parse(text));
  }

  function expectNoEscape({ attempts, before, after }: z.infer<typeof report>): void {
    expect(Object.values(before)).not.toContain(false);
    expect(attempts.filter(({ verdict }) => verdict !== 'BLOCKED')).toEqual([]);
    expect(Object.values(after)).not.toContain(false);
    expect(bait.taken).toEqual([]);
  }

  test('the bait is there to be taken', async () => {
    const places = ['127.0.0.1', SITE_ADDRESS, ...(hasIPv6Loopback() ? ['[::1]'] : [])];
    for (const address of places) {
      expect(await (await fetch(`http://${address}:${bait.baitPort}/`)).text()).toBe('BAIT-TAKEN\n');
    }
    expect(bait.taken).toHaveLength(places.length);
    bait.taken.length = 0;
  });

  test('finds none: not past the list, not past the proxy, not out of the container, not into another session', async () => {
    const done = await runHostile(
      'narrow',
      NARROW.map((name) => `${name}.test:${bait.sitePort}`),
      'agent',
      'cold',
    );
    expectNoEscape(done);
    expect(done.attempts.length).toBeGreaterThan(40);
    // A name that is not allowed is not even asked for: the question would carry it out.
    expect(await readFile(path.join(folder, 'asked'), 'utf8')).not.toContain('exfil');
    expect((await bob.ask(victim, script({ text: 'unharmed' }))).result).toBe('unharmed');
  });

  test('allowed every host and port, it reaches nothing that is not public; nor from a terminal beside it', async () => {
    const done = await runHostile('open', ['*:*'], 'terminal', 'warm');
    expectNoEscape(done);
    expect(done.attempts.length).toBeGreaterThan(40);
  });

  test('nor as root of the container in which its environment is made', async () => {
    const plan = path.join(folder, 'plan.json');
    await writeFile(plan, JSON.stringify(planFor('build')));
    const files = [SCRIPT, SEEK, plan].map((file) => ({ cwd: path.dirname(file), name: path.basename(file) }));
    const archive = execFileSync('tar', ['cz', ...files.flatMap(({ cwd, name }) => ['-C', cwd, name])]);
    const setup = `mkdir /opt/hostile; cd /opt/hostile; base64 -d <<'END' | tar xz
${archive.toString('base64')}
END
python3 hostile-script.py plan.json result.json; cat result.json`;
    const allow = NARROW.map((name) => `${name}.test:${bait.sitePort}`);
    const environment = { setup, network: { allow }, secrets: ['api', 'forge'] };
    expect((await mallory.call('PUT', '/environments/hostile', environment)).status).toBe(200);
    const id = await mallory.createSession({ environment: 'hostile' });
    expect((await mallory.ask(id, script({ text: 'built' }))).result).toBe('built');
    const [build] = (await mallory.call('GET', '/environments/hostile/builds')).body.data;
    const { log } = (await mallory.call('GET', `/environments/hostile/builds/${build.build_id}`)).body;
    await keep('build', log);
    const text = log.slice(log.indexOf('{"before"'));
    const done = report.parse(JSON.parse(text));
    expectNoEscape(done);
    expect(done.attempts.length).toBeGreaterThan(40);
    expect((await bob.ask(victim, script({ text: 'unharmed' }))).result).toBe('unharmed');
  });

  test('led to a repository by any name, it reaches no more than without one', async () => {
    const create = (git_repo: string) =>
      mallory.call('POST', '/sessions', {
        workspace: { type: 'ephemeral', git_repo },
        config: { network: { allow: [`site.test:${bait.sitePort}`] } },
      });
    const other = [
      'ext::sh -c id',
      'fd::3',
      'file:///etc',
      '/etc',
      '..',
      '--upload-pack=id',
      '-u',
      'git@-oProxyCommand=id:o/r',
    ];
    for (const form of [...other, 'http://a:b@site.test/o/r', 'https://', '', 'o/r\nx', 'javascript:x'])
      expect([form, (await create(form)).status]).toEqual([form, 422]);
    const led = [
      ...['127.0.0.1', 'private.test', 'localhost'].map((host) => `http://${host}:${bait.baitPort}/o/r`),
      `ssh://git@127.0.0.1:${bait.baitPort}/o/r`,
    ];
    const created = await Promise.all(led.map(create));
    expect(created.map(({ status }) => status)).toEqual(led.map(() => 201));
    const ends = await Promise.all(created.map(({ body }) => mallory.endOf(body.session_id)));
    expect(ends.map(({ code }) => code)).toEqual(led.map(() => 'clone_failed'));
    expect(bait.taken).toEqual([]);
  });

  test('speaks in its wrapper’s place: no event of the service’s is forged, no other session hears of it, and its own goes on', async () => {
    const id = await mallory.createSession({ network: { allow: [`site.test:${bait.sitePort}`] } });
    await mallory.ask(id, 'Hello');
    await copyFile(FORGER, service.workspace(id, 'forging.py'));
    const command = 'python3 forging.py forged.json';
    const watcher = mallory.watch(id, 0);
    await mallory.tell(id, script({ tool: 'Bash', input: { command, timeout: 600_000 } }, { text: 'done' }));
    const forged = async () => await readFile(service.workspace(id, 'forged.json'), 'utf8').catch(() => '');
    await expect.poll(forged, { interval: 250 }).not.toBe('');
    await keep('forged', await forged());
    const ways = z.record(z.string(), z.string()).parse(JSON.parse(await forged()));
    expect(Object.keys(ways).length).toBeGreaterThan(20);
    // In the meantime, and on the same runner.
    expect((await bob.ask(victim, script({ text: 'unharmed' }))).result).toBe('unharmed');

    await mallory.call('POST', `/sessions/${id}/stop`);
    await expect.poll(async () => (await mallory.show(id)).status).toMatch(/stopped|failed/);
    expect((await mallory.ask(id, script({ text: 'well again' }))).result).toBe('well again');
    expect(watcher.seen.filter(({ type }) => type === 'session.egress')).toEqual([]);
    watcher.close();
    const events = await mallory.events(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const own = events.filter(({ type }) => /^(session|message|interaction|child|workspace)\./.test(type));
    expect(own.filter(({ type }) => type === 'session.egress')).toEqual([]);
    const told = own.filter(({ type }) => type !== 'session.garbled' && type !== 'session.oversized');
    expect(JSON.stringify(told)).not.toContain('forged.test');
    expect(await bob.events(victim)).not.toContainEqual(expect.objectContaining({ type: 'session.garbled' }));
  });
});
