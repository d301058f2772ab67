import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';

const bash = (command: string) => script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' });

/** Writes as fast as it can: eight at once, each a new file of 16 MB after the other. */
const FLOOD =
  'for p in 1 2 3 4 5 6 7 8; do (n=0; while :; do n=$((n+1)); dd if=/dev/zero of=f$p-$n bs=1M count=16 2>/dev/null || exit; done) & done; wait';
/** Makes empty files as fast as it can, eight at once. */
const FILES = `python3 -c "
import os
for p in range(8):
    if os.fork() == 0:
        os.mkdir(f'd{p}'); n = 0
        while True:
            os.close(os.open(f'd{p}/{n}', os.O_CREAT | os.O_WRONLY)); n += 1
os.wait()"`;

describeDocker('a workspace that is filled as fast as can be', ({ host, image }) => {
  let service: Service;
  let alice: Client;

  beforeAll(async () => {
    service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host } });
    alice = await service.client('alice');
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await service?.stop();
  });

  test('with data: it ends with little more than its limit', async () => {
    const id = await alice.createSession({ resources: { workspace_mb: 16 } });
    await alice.tell(id, bash(FLOOD));
    expect(await alice.endOf(id)).toMatchObject({ code: 'out_of_disk' });
    const mb = Number.parseInt(execFileSync('du', ['-sm', service.workspace(id)], { encoding: 'utf8' }), 10);
    // 60 to 100 MB on two busy cores, where it was 868 MB.
    expect(mb - 16).toBeLessThan(400);
  });

  test('with empty files: it ends as out_of_inodes', async () => {
    const id = await alice.createSession({ resources: { workspace_files: 20_000 } });
    await alice.tell(id, bash(FILES));
    expect(await alice.endOf(id)).toMatchObject({ code: 'out_of_inodes' });
    const entries = Number.parseInt(
      execFileSync('du', ['-s', '--inodes', service.workspace(id)], { encoding: 'utf8' }),
      10,
    );
    expect(entries).toBeLessThan(120_000);
  });
});
