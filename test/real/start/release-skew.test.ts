import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PROTOCOL } from '../../../protocol/link/protocol-version.ts';
import { WORKER_BUNDLE, WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import { startEdgePart } from '../../../start/edge/edge-part.ts';
import { waitForRunners } from '../../../start/edge/health.ts';
import { readWranglerConfig } from '../../../start/edge/workerd/wrangler-config.ts';
import { LogFile } from '../../../start/lib/log-file.ts';
import { partExit, startPart } from '../../../start/lib/part.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { runnerEnvironment } from '../../../start/runner/runner-environment.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { unpackFolder } from '../../support/data-fixture/archive.ts';
import { FIXTURES } from '../../support/data-fixture/fixture.ts';
import { Client, script } from '../../support/e2e/client.ts';
import { WAIT_MS } from '../../support/patience.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** The programs of the last release beside those of this version, as when one machine is upgraded before the other. */

const SECRET = 'a-secret-for-this-test-alone-0123456789';

/** Programs of one version: the edge's and the runner's files. */
interface Programs {
  readonly worker: string;
  readonly wrangler: string;
  readonly runner: string;
  readonly wrapper: string;
}

const OURS: Programs = {
  worker: WORKER_BUNDLE,
  wrangler: path.join(PROJECT, 'wrangler.toml'),
  runner: path.join(PROJECT, 'runner', 'main.ts'),
  wrapper: WRAPPER_BUNDLE,
};
let last: Programs;
let folder: string;

beforeAll(async () => {
  // Below the project, whose packages its runner imports.
  folder = await mkdtemp(path.join(PROJECT, 'build', 'last-release-'));
  const programs = path.join(folder, 'programs');
  await unpackFolder(path.join(FIXTURES, 'release-0.1', 'programs.tar.zst'), programs);
  last = {
    worker: path.join(programs, 'worker.mjs'),
    wrangler: path.join(programs, 'wrangler.toml'),
    runner: path.join(programs, 'runner', 'main.ts'),
    wrapper: path.join(programs, 'wrapper.mjs'),
  };
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function startEdge({ worker, wrangler }: Programs, data: string, port = 0) {
  const edge = await startEdgePart({
    worker,
    config: readWranglerConfig(wrangler),
    host: '127.0.0.1',
    port,
    stateFolder: path.join(data, 'edge'),
    vars: { JWT_SECRET: SECRET },
    say: () => {},
    log: path.join(data, 'edge.log'),
  });
  if (isRefused(edge)) throw new Error(edge.refused);
  onTestFinished(async () => await edge.stop());
  const client = async (claims: object = {}) =>
    new Client(edge.url, await mintToken(SECRET, { kind: 'user', sub: 'alice', ttlSeconds: 3600, ...claims }));
  const clients = { alice: await client(), root: await client({ sub: 'root', scope: 'admin' }) };
  return { url: edge.url, stop: () => edge.stop(), ...clients };
}

async function startRunner({ runner, wrapper }: Programs, edgeUrl: string, data: string) {
  const token = await mintToken(SECRET, { kind: 'runner', sub: 'local', ttlSeconds: 3600 });
  const grant = { edgeUrl, token, backend: 'process' as const, dataFolder: data, wrapperBundle: wrapper, image: undefined };
  const env = runnerEnvironment({ RUNNER_LABELS: 'zone=a' }, grant);
  const log = new LogFile(path.join(data, 'runner.log'));
  const part: ChildProcess = startPart(runner, env, log, []);
  onTestFinished(() => void part.kill('SIGKILL'));
  expect(await waitForRunners(edgeUrl, (runners) => runners > 0, AbortSignal.timeout(WAIT_MS))).toBe(true);
  return {
    log: async () => await readFile(path.join(data, 'runner.log'), 'utf8'),
    async end(signal: 'SIGTERM' | 'SIGKILL') {
      part.kill(signal);
      await partExit(part);
    },
  };
}

/** Chat, a tool's result, a message into a running turn, a park, and a wake with the same files. */
async function livesThrough(alice: Client): Promise<string> {
  const id = await alice.createSession({ system_prompt: 'Be brief.' });
  const wrote = await alice.ask(id, script({ tool: 'Bash', input: { command: 'echo kept > kept.txt' } }, { text: 'Done.' }));
  expect(wrote.result).toContain('Done.');
  const question = { tool: 'mcp__cc-docker__ask_user', input: { question: 'Go on?', options: ['Yes', 'No'] } };
  const asked = await alice.tell(id, script(question, { text: 'It said: {{last_tool_result}}' }));
  const { body } = await until(async () => {
    const open = await alice.call('GET', `/sessions/${id}/interactions?state=open`);
    expect(open.body.data).toHaveLength(1);
    return open;
  });
  const [{ interaction_id }] = body.data;
  await alice.call('POST', `/sessions/${id}/interactions/${interaction_id}/resolve`, { answer: 'Yes' });
  await until(async () => expect((await alice.message(id, asked)).status).toBe('completed'));
  await alice.park(id);
  const woken = await alice.ask(id, script({ tool: 'Bash', input: { command: 'cat kept.txt' } }, { text: '{{last_tool_result}}' }));
  expect(woken.result).toContain('kept');
  return id;
}

describe('one version apart', () => {
  test('the last release’s runner serves this version’s edge, which says what that one cannot do', async () => {
    const data = scratch();
    const { url, alice, root } = await startEdge(OURS, data);
    const runner = await startRunner(last, url, data);
    await livesThrough(alice);
    const { body } = await root.call('GET', '/runners');
    expect(body.data).toMatchObject([{ name: 'local', state: 'connected', version: '0.1.0', protocol: 1, unknown_frames: 0 }]);
    // It knows its labels, and never hears of the setting that it does not know.
    const labelled = await alice.createSession({ runner: { labels: { zone: 'a' } } });
    expect((await alice.ask(labelled, script({ text: 'placed' }))).result).toContain('placed');
    expect((await root.call('POST', '/runners/local/drain')).body.code).toBe('runner_outdated');
    expect(await runner.log()).not.toContain('not of the protocol');
    await runner.end('SIGTERM');
    expect((await alice.show(labelled)).reason.code).toBe('runner_draining');
  });

  test('this version’s runner serves the last release’s edge', async () => {
    const data = scratch();
    const { url, alice } = await startEdge(last, data);
    const runner = await startRunner(OURS, url, data);
    const id = await livesThrough(alice);
    expect(await runner.log()).not.toMatch(/not of the protocol|does not work/);
    await runner.end('SIGTERM');
    expect((await alice.show(id)).reason.code).toBe('runner_draining');
  });

  test('the edge is upgraded while a turn runs, and the container’s image later: the turn goes on', async () => {
    const data = scratch();
    const before = await startEdge(last, data);
    const { alice } = before;
    await startRunner({ ...OURS, wrapper: last.wrapper }, before.url, data);
    const id = await alice.createSession();
    const wait = { tool: 'Bash', input: { command: 'while [ ! -e go ]; do sleep 0.1; done; echo over' } };
    const message = await alice.tell(id, script(wait, { text: 'It is {{last_tool_result}}' }));
    await alice.until(id, ({ status }) => status === 'running');
    const { last_seq } = await alice.show(id);
    const log = await alice.events(id);
    await before.stop();

    const { root } = await startEdge(OURS, data, Number(new URL(before.url).port));
    await until(async () => {
      const { body } = await root.call('GET', '/runners');
      expect(body.data).toMatchObject([{ state: 'connected', protocol: PROTOCOL, running: 1 }]);
    });
    await alice.raw('PUT', `/sessions/${id}/files/go`, { body: '' });
    await until(async () => expect((await alice.message(id, message)).status).toBe('completed'));
    const events = await alice.events(id);
    expect(events.slice(0, last_seq)).toEqual(log.slice(0, last_seq));
    expect(events.filter(({ type }) => type === 'session.ready')).toHaveLength(1);
  });
});
