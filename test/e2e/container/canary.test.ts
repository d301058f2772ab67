import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { createDemoModel } from '../../../demo-model/demo-model.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { backwards, findInFolder, findInStream, formsOf } from '../../support/e2e/hostile/canary.ts';
import { certificateFor, type TestCertificate } from '../../support/net/certificate.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { startGitServer, type GitServer } from '../../support/e2e/git-server.ts';
import { close, listen } from '../../support/net/listen.ts';
import { Receiver } from '../../support/net/receiver.ts';
import { until } from '../../support/until.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';

const canary = (kind: string) => `${kind}-canary-${randomBytes(16).toString('hex')}`;
const CANARIES = {
  model: canary('sk-ant'),
  bearer: canary('bearer'),
  header: canary('header'),
  git: canary('git'),
  collector: canary('collector'),
};
/** Each canary in each form in which it might be written down. */
const FORMS = Object.fromEntries(
  Object.entries(CANARIES).flatMap(([name, value]) =>
    Object.entries(formsOf(value)).map(([form, text]) => [`${name}, ${form}`, text]),
  ),
);
const PATTERNS = Object.values(FORMS);
/** Something that may well be found, so that a search that finds nothing is believed. */
const PLANTED = `planted-${randomBytes(16).toString('hex')}`;

/** A client that the model's server turns away. */
const UNWELCOME = 'unwelcome/1.0';

const found = z.object({
  environments: z.array(z.tuple([z.string(), z.string()])),
  memories: z.array(z.tuple([z.string(), z.string()])),
  files: z.array(z.tuple([z.string(), z.string()])),
  searched: z.number(),
});

const within = (text: string) => PATTERNS.filter((pattern) => text.includes(pattern));
const names = (hits: [string, string][]) => [...new Set(hits.map(([name]) => name))];

describeDocker('the credentials that a session uses', ({ docker, host, image }) => {
  const demo = createDemoModel();
  /** What the servers that must see a credential have seen of it. */
  const seen = { model: new Set<unknown>(), bearer: new Set<unknown>(), header: new Set<unknown>() };
  const model = createServer((request, response) => {
    const key = request.headers['x-api-key'];
    seen.model.add(key);
    if (request.headers['user-agent'] !== UNWELCOME) void demo(request, response, new AbortController().signal);
    else {
      // An unkind server: its error says what it was given.
      const error = { type: 'authentication_error', message: `invalid x-api-key: ${String(key)}` };
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ type: 'error', error }));
    }
  });
  let folder: string;
  let certificate: TestCertificate;
  let api: ReturnType<typeof createTlsServer>;
  let apiPort: number;
  let git: GitServer;
  let collector: Receiver;
  let service: Service;
  let alice: Client;
  let id: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-canary-'));
    certificate = await certificateFor('api.test', 'git.test');
    await writeFile(path.join(folder, 'authority.pem'), certificate.cert);
    api = createTlsServer(certificate, (request, response) => {
      seen.bearer.add(request.headers.authorization);
      seen.header.add(request.headers['x-api-key']);
      const status = request.url === '/error' ? 500 : 200;
      // As a debugging page does.
      response.writeHead(status, { 'x-echo': String(request.headers.authorization) });
      response.end(JSON.stringify({ answered: true, headers: request.headers }));
    });
    apiPort = await listen(api, '127.0.0.1');
    git = await startGitServer('127.0.0.1', certificate, CANARIES.git);
    const modelPort = await listen(model, '127.0.0.1');
    collector = await Receiver.start();
    const telemetry = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${CANARIES.collector}`,
    };
    const hosts = [`api.test:${apiPort}`];
    service = await Service.start({
      backend: 'docker',
      image,
      vars: telemetry,
      runnerEnv: {
        ...telemetry,
        DOCKER_HOST: host,
        LOG_LEVEL: 'debug',
        ANTHROPIC_API_KEY: CANARIES.model,
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${modelPort}`,
        ...testNamesEnv({ 'api.test': [['127.0.0.1']], 'git.test': [['127.0.0.1']] }),
        EGRESS_ALLOW_PRIVATE: `127.0.0.1:${apiPort},127.0.0.1:${git.port}`,
        CC_EGRESS_CA: path.join(folder, 'authority.pem'),
        CC_SECRET_BEARER: JSON.stringify({ value: CANARIES.bearer, hosts, as: 'bearer' }),
        CC_SECRET_HEADER: JSON.stringify({ value: CANARIES.header, hosts, as: { header: 'X-Api-Key' } }),
        CC_SECRET_GIT: JSON.stringify({ value: CANARIES.git, hosts: [`git.test:${git.port}`], as: 'git' }),
      },
    });
    alice = await service.client('alice');
    id = await alice.createSession({
      network: { allow: [`api.test:${apiPort}`, `git.test:${git.port}`] },
      secrets: ['bearer', 'header', 'git'],
    });
    await alice.ask(id, script({ text: 'awake' }));
    await copyFile(
      path.join(import.meta.dirname, '../../support/e2e/hostile', 'seek.py'),
      service.workspace(id, 'seek.py'),
    );
    const wanted = Object.entries({ ...FORMS, planted: PLANTED });
    const patterns = Object.fromEntries(wanted.map(([name, text]) => [name, backwards(text)]));
    await writeFile(service.workspace(id, 'patterns.json'), JSON.stringify(patterns));
    await writeFile(service.workspace(id, 'planted.txt'), PLANTED);
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await service?.stop();
    await Promise.all([git?.close(), api && close(api), close(model), collector?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const run = async (command: string) =>
    await alice.ask(
      id,
      script({ tool: 'Bash', input: { command, timeout: 100_000 } }, { text: '{{last_tool_result}}' }),
    );

  test('are used: the servers that they are for see them', async () => {
    const { result } = await run(
      `exec 2>&1; set -x
       curl -sSi https://api.test:${apiPort}/; curl -sSi https://api.test:${apiPort}/error
       curl -sSiv -H 'Authorization: Bearer guessed' https://api.test:${apiPort}/ --trace-ascii curl.trace
       GIT_TRACE=1 GIT_CURL_VERBOSE=1 GIT_TRACE_CURL_NO_DATA=0 git clone https://git.test:${git.port}/private.git
       git -C private log --format=%s`,
    );
    expect(result).toContain('"answered":true');
    expect(result).toContain('HTTP/1.1 500');
    expect(result).toContain('the first');
    expect([...seen.bearer]).toEqual([`Bearer ${CANARIES.bearer}`]);
    expect([...seen.header]).toEqual([CANARIES.header]);
    expect([...seen.model]).toEqual([CANARIES.model]);
    expect(within(result)).toEqual([]);
  });

  test('are nowhere inside: not in an environment, not in a file, not in the memory of any process', async () => {
    await run(`PLANTED=$(cat planted.txt) sh -c 'sleep 60 & python3 seek.py patterns.json found.json; kill $!'`);
    const inside = found.parse(JSON.parse(await readFile(service.workspace(id, 'found.json'), 'utf8')));
    // Megabytes: claude itself is among it.
    expect(inside.searched).toBeGreaterThan(50e6);
    expect(names(inside.environments)).toEqual(['planted']);
    expect(names(inside.memories)).toEqual(['planted']);
    expect(names(inside.files)).toEqual(['planted']);
  });

  test('are nowhere about the container: not in what the engine knows of it, not in its files, layers or output', async () => {
    const container = docker.getContainer(`cc-docker-${id}-1`);
    const seenFromOutside = JSON.stringify([
      await container.inspect(),
      await docker.getImage(image).inspect(),
      await docker.getImage(image).history(),
      (await container.logs({ stdout: true, stderr: true })).toString(),
    ]);
    expect(within(seenFromOutside)).toEqual([]);
    // All layers of the image, and what the container has changed.
    expect(await findInStream(await container.export(), Object.values(CANARIES))).toEqual([]);
  });

  test('are in no error that the model answers with', async () => {
    const url = 'http://localhost/v1/messages?beta=true';
    const { result } = await run(
      `curl -sSi --unix-socket /run/cc-docker/model.sock -A '${UNWELCOME}' --json '{}' '${url}'`,
    );
    expect(result).toContain('401');
    expect(result).toContain('invalid x-api-key');
    expect(within(result)).toEqual([]);
  });

  test('are in no trace and no telemetry, which reach the collector from a container without a network card', async () => {
    const parts = () =>
      collector.posts.map(({ path: to, body }) => [to, /cc-docker-(?:edge|runner|container)/.exec(body)?.[0]]);
    await until(() => {
      for (const part of ['edge', 'runner', 'container'])
        expect(parts()).toContainEqual(['/v1/traces', `cc-docker-${part}`]);
      expect(parts()).toContainEqual(['/v1/logs', 'cc-docker-container']);
    });
    expect(new Set(collector.posts.map(({ headers }) => headers['x-key']))).toEqual(new Set([CANARIES.collector]));
    expect(within(collector.posts.map(({ body }) => body).join('\n'))).toEqual([]);
  });

  test('are in no event, message, answer, log or file of the service', async () => {
    const missing = await alice.createSession({ secrets: ['nobody-has-this'] });
    const refused = await alice.ask(missing, 'Hello');
    expect(refused).toMatchObject({ error: { code: 'secret_missing' } });
    const sessions = await alice.call('GET', '/sessions');
    const malformed = await alice.call('POST', '/sessions', {
      config: { secrets: [CANARIES.bearer.slice(0, 10), ''] },
    });
    const told = JSON.stringify([
      await alice.events(id),
      await alice.show(id),
      await alice.events(missing),
      refused,
      sessions,
      malformed,
      await (await fetch(`${service.url}/health`)).text(),
    ]);
    expect(within(told)).toEqual([]);
    expect(service.log).toContain('container started');
    expect(within(service.log)).toEqual([]);
    // Sessions' folders, transcripts, the database, the runner's own folder.
    expect(await findInFolder(service.folder, [PLANTED])).not.toEqual([]);
    expect(await findInFolder(service.folder, PATTERNS)).toEqual([]);
  });
});
