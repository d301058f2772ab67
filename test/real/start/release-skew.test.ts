import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROTOCOL } from '../../../protocol/link/protocol-version.ts';
import { unpackLastRelease } from '../../support/data-fixture/last-release.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { OURS, startEdge, startRunner, type Programs } from './support/parts.ts';

/** The programs of the last release beside those of this version, as when one machine is upgraded before the other. */

let last: Programs;
let removeLast: () => Promise<void>;

beforeAll(async () => {
  const unpacked = await unpackLastRelease();
  last = unpacked.programs;
  removeLast = unpacked.remove;
});
afterAll(async () => await removeLast());

/** Chat, a tool's result, a message into a running turn, a park, and a wake with the same files. */
async function livesThrough(alice: Client): Promise<string> {
  const id = await alice.createSession({ system_prompt: 'Be brief.' });
  const wrote = await alice.ask(
    id,
    script({ tool: 'Bash', input: { command: 'echo kept > kept.txt' } }, { text: 'Done.' }),
  );
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
  const woken = await alice.ask(
    id,
    script({ tool: 'Bash', input: { command: 'cat kept.txt' } }, { text: '{{last_tool_result}}' }),
  );
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
    expect(body.data).toMatchObject([
      { name: 'local', state: 'connected', version: '0.1.0', protocol: 1, unknown_frames: 0 },
    ]);
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
