import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { startAptRepository, type AptRepository } from '../../support/e2e/apt-repository.ts';
import { certificateFor } from '../../support/net/certificate.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';

/** Without the lists that the image comes with: their servers are not the test's. */
const APT_GET = 'apt-get -q -o Dir::Etc::sourceparts=/dev/null';

function from(url: string): string {
  return `mkdir -p ~/.apt && echo 'deb [trusted=yes] ${url}/ ./' > ~/.apt/sources.list; ${APT_GET} update; echo "update: $?"`;
}

describeDocker('the way out, with apt', ({ host, image }) => {
  let folder: string;
  let repository: AptRepository;
  let service: Service;
  let alice: Client;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-apt-'));
    const certificate = await certificateFor('apt.test');
    const authority = path.join(folder, 'authority.pem');
    await writeFile(authority, certificate.cert);
    repository = await startAptRepository('127.0.0.1', certificate);
    service = await Service.start({
      backend: 'docker',
      image,
      runnerEnv: {
        DOCKER_HOST: host,
        ...testNamesEnv({ 'apt.test': [['127.0.0.1']] }),
        EGRESS_ALLOW_PRIVATE: `127.0.0.1:${repository.port},127.0.0.1:${repository.tlsPort}`,
        CC_EGRESS_CA: authority,
      },
    });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await service?.stop();
    await repository?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a command of the agent's printed, to stdout and stderr. */
  async function run(id: string, command: string): Promise<string> {
    const input = { command: `exec 2>&1; ${command}` };
    const { result } = await alice.ask(id, script({ tool: 'Bash', input }, { text: '{{last_tool_result}}' }));
    return result;
  }

  test.each(['http', 'https'] as const)('apt-get downloads a package by %s, and what it holds runs', async (scheme) => {
    const port = scheme === 'http' ? repository.port : repository.tlsPort;
    const id = await alice.createSession({ network: { allow: [`apt.test:${port}`] } });
    const output = await run(
      id,
      `${from(`${scheme}://apt.test:${port}`)}
       apt-cache show left-out | grep Version
       ${APT_GET} download left-out && dpkg -x left-out_1.2.3_all.deb ~/.local && left-out`,
    );
    expect(output).toContain('update: 0');
    expect(output).toContain('Version: 1.2.3');
    expect(output).toMatch(/^left out$/m);
    expect(output).not.toMatch(/^[EW]:/m);
  });

  test('apt-get install fetches what a package needs, says that a session cannot install, and what to do', async () => {
    const id = await alice.createSession({ network: { allow: [`apt.test:${repository.port}`] } });
    const output = await run(id, `${from(`http://apt.test:${repository.port}`)}; ${APT_GET} install -y left-out`);
    const [, advice = 'false'] = /cc-docker: .* cannot install: .* Unpack them: (.*)/.exec(output) ?? [];
    expect(await run(id, `${advice}; left-out; cat ~/.local/usr/share/left-in`)).toBe('left out\nleft in');
  });

  test('an environment’s setup installs by apt-get, once; its sessions start with what it installed', async () => {
    const setup = `echo 'deb [trusted=yes] http://apt.test:${repository.port}/ ./' > /etc/apt/sources.list
      ${APT_GET} update; ${APT_GET} install left-out`;
    const network = { allow: [`apt.test:${repository.port}`] };
    const made = await alice.call('PUT', '/environments/tools', { setup, network });
    expect(made.status).toBe(200);
    const ids = await Promise.all([1, 2].map(() => alice.createSession({ environment: 'tools' })));
    for (const id of ids)
      expect(await run(id, 'left-out; cat /usr/share/left-in; id -u')).toBe('left out\nleft in\n1000');
    const { body } = await alice.call('GET', '/environments/tools/builds');
    expect(body.data).toMatchObject([{ state: 'ready', reason: null, image_bytes: expect.any(Number) }]);
    const log = await alice.call('GET', `/environments/tools/builds/${body.data[0].build_id}`);
    expect(log.body.log).toContain('Setting up left-out (1.2.3)');
    const events = await Promise.all(ids.map((id) => alice.events(id)));
    for (const some of events) expect(some.map(({ type }) => type)).toContain('environment.build');

    await alice.call('PUT', '/environments/tools', { setup: `${setup}\nleft-out\nnot-there`, network });
    const reason = await alice.endOf(await alice.createSession({ environment: 'tools' }));
    expect(reason).toMatchObject({ code: 'environment_failed', detail: expect.stringContaining('code 127 at line 4') });
  });

  test('of a repository that is not allowed apt says why, and what to do', async () => {
    const id = await alice.createSession({ network: { allow: [`apt.test:${repository.port}`] } });
    for (const url of ['http://other.test', `https://apt.test:${repository.tlsPort}`]) {
      const output = await run(id, from(url));
      expect(output).toContain('update: 100');
      expect(output).toContain(`cc-docker: not allowed by this session's network policy: ${new URL(url).hostname}`);
    }
  });
});
