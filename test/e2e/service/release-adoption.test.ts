import { chmod } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { unpackLastRelease } from '../../support/data-fixture/last-release.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script } from '../../support/e2e/client.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { OURS, startEdge, startRunner } from '../../real/start/support/parts.ts';

describeDocker('a container that the last release’s runner has started', (docker) => {
  test('goes on under this version’s runner: its turn, what it is asked next, its files and its end', async () => {
    const last = await unpackLastRelease();
    onTestFinished(async () => await last.remove());
    const data = scratch();
    // The container's user has to reach its own folders below.
    await chmod(data, 0o711);
    const { url, alice, root } = await startEdge(OURS, data);
    const before = await startRunner(last.programs, url, data, docker);
    const id = await alice.createSession();
    const wait = { tool: 'Bash', input: { command: 'while [ ! -e go ]; do sleep 0.1; done; echo over' } };
    const message = await alice.tell(id, script(wait, { text: 'It is {{last_tool_result}}' }));
    await alice.until(id, ({ status }) => status === 'running');
    await before.end('SIGKILL');

    const runner = await startRunner(OURS, url, data, docker);
    await until(async () => {
      const { body } = await root.call('GET', '/runners');
      expect(body.data).toMatchObject([{ state: 'connected', running: 1 }]);
    });
    expect((await alice.raw('PUT', `/sessions/${id}/files/go`, { body: 'mine\n' })).status).toBe(200);
    await until(async () => expect((await alice.message(id, message)).status).toBe('completed'));
    const next = script({ tool: 'Bash', input: { command: 'cat go; id -u' } }, { text: '{{last_tool_result}}' });
    expect((await alice.ask(id, next)).result).toBe('mine\n1000');
    const ready = (await alice.events(id)).filter(({ type }) => type === 'session.ready');
    expect(ready).toHaveLength(1);
    await alice.park(id);
    expect((await alice.ask(id, next)).result).toBe('mine\n1000');
    await alice.call('DELETE', `/sessions/${id}`);
    expect(await runner.log()).not.toMatch(/"level":"error"/);
  });
});
