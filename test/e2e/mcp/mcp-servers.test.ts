import { createServer, type Server } from 'node:https';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { serveMcp } from '../../support/wrapper/remote-mcp-server.ts';
import { certificateFor } from '../../support/net/certificate.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { close, listen } from '../../support/net/listen.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';
import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';

const TOKEN = `ghp_${randomBytes(16).toString('hex')}`;
const said = { text: 'It said: {{last_tool_result}}' };

/** A server that the session brings along: a line of its configuration, and the SDK that is in the image. */
const BROUGHT = `
  import { McpServer } from '/opt/cc-docker/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/server/mcp.js';
  import { StdioServerTransport } from '/opt/cc-docker/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/server/stdio.js';
  const server = new McpServer({ name: 'brought', version: '1' });
  server.registerTool('hello', {}, () => ({ content: [{ type: 'text', text: 'hello from ' + process.cwd() }] }));
  await server.connect(new StdioServerTransport());`;
const brought = { command: 'node', args: ['--input-type=module', '-e', BROUGHT] };

const stateOf = ({ data }: { data: { name: string; state: string } }) => `${data.name} ${data.state}`;

describeDocker('MCP servers and skills, with the real claude', ({ host, image }) => {
  let folder: string;
  let remote: Server;
  let port = 0;
  let service: Service;
  let alice: Client;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-mcp-'));
    const certificate = await certificateFor('mcp.test');
    const authority = path.join(folder, 'authority.pem');
    await writeFile(authority, certificate.cert);
    const serve = serveMcp();
    remote = createServer(certificate, (request, response) => {
      if (request.headers.authorization === `Bearer ${TOKEN}`) serve(request, response);
      else response.writeHead(401).end();
    });
    port = await listen(remote, '127.0.0.1');
    service = await Service.start({
      backend: 'docker',
      image,
      runnerEnv: {
        DOCKER_HOST: host,
        ...testNamesEnv({ 'mcp.test': [['127.0.0.1']] }),
        EGRESS_ALLOW_PRIVATE: `127.0.0.1:${port}`,
        CC_EGRESS_CA: authority,
        CC_SECRET_MCP: JSON.stringify({ value: TOKEN, hosts: [`mcp.test:${port}`], as: 'bearer' }),
      },
    });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await service?.stop();
    await close(remote);
    await rm(folder, { recursive: true, force: true });
  });

  const told = async (id: string) => (await alice.events(id)).filter(({ type }) => type === 'session.mcp_server');
  const failed = async (id: string) =>
    (await told(id)).map(({ data }) => data).filter(({ state }) => state === 'failed');
  const initOf = async (id: string) =>
    (await alice.events(id)).findLast(({ type, data }) => type === 'system' && data.subtype === 'init').data;

  /** Names of the session's servers that the newest turn had. */
  const connected = async (id: string): Promise<string[]> => {
    const { mcp_servers: listed } = await initOf(id);
    return (
      listed
        .filter(({ status }: { status: string }) => status === 'connected')
        .map(({ name }: { name: string }) => name)
        // CC-Docker's own, which every session has.
        .filter((name: string) => name !== 'cc-docker')
        .sort()
    );
  };

  test('a server that is missing and one that hangs are named within seconds; the session works on, with those that are there', async () => {
    const id = await alice.createSession({
      mcp_servers: {
        brought,
        memory: { preset: 'memory' },
        missing: { command: '/no/such/server' },
        hanging: { command: 'sleep', args: ['600'] },
        unknown: { preset: 'no-such-preset' },
      },
    });
    expect(await alice.ask(id, script({ text: 'on it goes' }))).toMatchObject({ status: 'completed' });
    const bad = ['hanging connecting', 'missing failed', 'unknown failed'];
    const events = await until(async () => {
      const found = (await told(id)).filter((event) => bad.includes(stateOf(event)));
      expect(found.map(stateOf).sort()).toEqual(bad);
      return found;
    });
    const all = await alice.events(id);
    const ready = all.find(({ type }) => type === 'session.ready');
    const answered = all.find(({ type }) => type === 'result');
    // No turn waits until Claude Code gives a server up, which takes it a minute.
    expect(Date.parse(answered.time) - Date.parse(ready.time)).toBeLessThan(Math.min(atMost(20), 55_000));
    for (const { time } of events) expect(Date.parse(time) - Date.parse(ready.time)).toBeLessThan(atMost(8));
    // A good server may be slow on a busy machine: then it is named too, until it is there.
    await until(async () => {
      const answer = await alice.ask(id, script({ tool: 'mcp__brought__hello', input: {} }, said));
      expect(answer.result).toContain('hello from /workspace');
      expect(await connected(id)).toEqual(['brought', 'memory']);
    });
    const slow = ['brought', 'memory'].flatMap((name) => [`${name} connecting`, `${name} connected`]);
    for (const state of (await told(id)).map(stateOf)) expect([...bad, ...slow]).toContain(state);
    const details = Object.fromEntries(events.map(({ data }) => [data.name, data.detail]));
    expect(details['missing']).toBe('There is no program /no/such/server.');
    expect(details['unknown']).toMatch(/no MCP preset no-such-preset\. There are: fetch, filesystem/);
  });

  test('the presets start without any network, and one that lacks something of the image says what', async () => {
    const presets = ['fetch', 'filesystem', 'git', 'memory', 'playwright', 'postgres'];
    const id = await alice.createSession({
      mcp_servers: Object.fromEntries(presets.map((preset) => [preset, { preset }])),
    });
    // So many at once may take longer than the first turn waits.
    await until(async () => {
      await alice.ask(id, script({ text: 'ready' }));
      expect(await connected(id)).toEqual(['fetch', 'filesystem', 'git', 'memory']);
      expect(await failed(id)).toHaveLength(2);
    }, 500);
    expect(await failed(id)).toMatchObject([
      { name: 'playwright', detail: expect.stringMatching(/no browser in the image/) },
      // It was given no database.
      { name: 'postgres' },
    ]);
  });

  test('what the agent keeps with the preset memory is there when the session wakes', async () => {
    const id = await alice.createSession({ mcp_servers: { memory: { preset: 'memory' } } });
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['likes teal'] }];
    const teal = async (tool: string, input: object) =>
      await until(async () => {
        const { result } = await alice.ask(id, script({ tool: `mcp__memory__${tool}`, input }, said));
        expect(result).toContain('likes teal');
      });
    await teal('create_entities', { entities });
    await alice.park(id);
    await teal('read_graph', {});
    expect(await alice.show(id)).toMatchObject({ epoch: 2 });
  });

  test('a remote server gets its token from the runner; without the secret it is named, and no header shows', async () => {
    const headers = { Authorization: 'Bearer dummy', 'X-Team': 'the-header-of-mine' };
    const server = { type: 'http', url: `https://mcp.test:${port}/mcp`, headers };
    const config = { mcp_servers: { hub: server }, network: { allow: [`mcp.test:${port}`] } };
    const id = await alice.createSession({ ...config, secrets: ['mcp'] });
    await until(async () => {
      const { result } = await alice.ask(id, script({ tool: 'mcp__hub__hello', input: {} }, said));
      expect(result).toContain('hello from afar');
    });
    expect(await failed(id)).toEqual([]);

    const without = await alice.createSession(config);
    expect(await alice.ask(without, script({ text: 'on it goes' }))).toMatchObject({ status: 'completed' });
    await until(async () => expect(await failed(without)).toMatchObject([{ name: 'hub' }]));
    for (const log of [await alice.events(id), await alice.events(without)]) {
      expect(JSON.stringify(log)).not.toContain(TOKEN);
      expect(JSON.stringify(log)).not.toContain('the-header-of-mine');
    }
  });

  test('skills of the image are there when they are named, also after the session has slept', async () => {
    const id = await alice.createSession({ skills: ['delegate-task'] });
    const use = script({ tool: 'Skill', input: { skill: 'delegate-task' } }, { text: 'read' });
    for (const epoch of [1, 2]) {
      expect(await alice.ask(id, use)).toMatchObject({ status: 'completed' });
      const { skills } = await initOf(id);
      expect(skills).toContain('delegate-task');
      expect(skills).not.toContain('child-status');
      expect(JSON.stringify(await alice.events(id))).toContain('# Delegate a task');
      expect(await alice.show(id)).toMatchObject({ epoch });
      await alice.park(id);
    }
  });

  test('a skill that is not there fails the start with the names of those that are', async () => {
    const id = await alice.createSession({ skills: ['no-such-skill'] });
    await alice.tell(id, 'hello');
    const { reason } = await alice.until(id, ({ status }) => status === 'failed');
    expect(reason).toMatchObject({
      code: 'claude_start_failed',
      detail: expect.stringMatching(/no skill no-such-skill\. There are: child-status, coordinate-children/),
    });
  });
});
