import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { BASE_IMAGE } from '../../support/docker/base-image.ts';
import { describeCompose } from '../../support/docker/describe-docker.ts';
import { Client, script } from '../../support/e2e/client.ts';
import { atMost } from '../../support/patience.ts';

const run = promisify(execFile);

/**
 * `docker-compose.yml` as it is, but for what this machine cannot fetch: instead of an image that npm and apt fill, its base with
 * this checkout and the machine's authorities mounted; instead of MinIO's, an S3 service from npm that reads the same password files.
 */
function overriding(): object {
  const here = { image: BASE_IMAGE, working_dir: '/opt/cc-docker' };
  const volumes = [
    `${PROJECT}:/opt/cc-docker:ro`,
    '/etc/ssl/certs:/etc/ssl/certs:ro',
    '/usr/share/ca-certificates:/usr/share/ca-certificates:ro',
    '/usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro',
  ];
  const service = { ...here, volumes: [...volumes, '/opt/cc-docker/build'] };
  const minio = { ...here, entrypoint: ['node', 'test/support/object-storage/minio-stand-in.mjs'], volumes };
  return { services: { secrets: service, edge: service, runner: service, minio } };
}

describeCompose('docker compose up', ({ docker, host, image }, [program = '', ...first]) => {
  const project = `ccd-${crypto.randomUUID().slice(0, 8)}`;
  let folder: string;
  let compose: (...args: string[]) => Promise<string>;

  beforeAll(async () => {
    folder = await mkdtemp('/var/tmp/cc-docker-compose-');
    await chmod(folder, 0o711);
    const override = path.join(folder, 'override.json');
    await writeFile(override, JSON.stringify(overriding()));
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      ...(host === undefined ? {} : { DOCKER_HOST: host }),
      DOCKER_SOCKET: host?.replace('unix://', '') ?? '/var/run/docker.sock',
      CC_DOCKER_DATA: path.join(folder, 'data'),
      SESSION_IMAGE: image,
      PORT: '0',
    };
    const files = ['-f', path.join(PROJECT, 'docker-compose.yml'), '-f', override];
    compose = async (...args) => {
      const { stdout } = await run(program, [...first, '-p', project, ...files, ...args], { env, maxBuffer: 2 ** 26 });
      return stdout;
    };
    try {
      await compose('up', '-d', '--no-build');
    } catch (error) {
      throw new Error(await compose('logs', '--no-color'), { cause: error });
    }
  }, atMost(300));
  afterAll(async () => {
    await compose?.('down', '-v', '--timeout', '20');
    const left = await docker.listContainers({ all: true, filters: { label: ['cc-docker.session'] } });
    for (const { Id, Mounts } of left)
      if (Mounts.some(({ Source }) => Source.startsWith(folder))) await docker.getContainer(Id).remove({ force: true });
    await rm(folder, { recursive: true, force: true });
  });

  test('brings up edge, runner and storage; a session runs, and is saved to the S3', async () => {
    const address = (await compose('port', 'edge', '8000')).trim();
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    const token = await compose('exec', '-T', 'edge', 'node', 'scripts/token.ts', '--sub', 'alice');
    const alice = new Client(`http://${address}`, token.trim());
    const id = await alice.createSession();
    const write = { tool: 'Write', input: { file_path: '/workspace/a.txt', content: 'composed' } };
    expect(await alice.ask(id, script(write, { text: 'done' }))).toMatchObject({ status: 'completed' });
    const parked = await alice.park(id);
    expect(parked.files).toMatchObject({ runner: 'compose', saved: true });
    expect(await (await alice.raw('GET', `/sessions/${id}/files/a.txt`)).text()).toBe('composed');
    await alice.call('DELETE', `/sessions/${id}`);
  });

  test('only the runner has the Docker socket, and nothing but the edge listens on this machine', async () => {
    const ids = (await compose('ps', '-q')).trim().split('\n');
    const facts = await Promise.all(ids.map(async (id) => await docker.getContainer(id).inspect()));
    const withSocket = facts.filter(({ Mounts }) =>
      Mounts.some(({ Destination }) => Destination === '/var/run/docker.sock'),
    );
    expect(withSocket.map(({ Config }) => Config.Labels['com.docker.compose.service'])).toEqual(['runner']);
    const published = facts.flatMap(({ NetworkSettings }) =>
      Object.values(NetworkSettings.Ports).flatMap((ports) => ports ?? []),
    );
    expect(published.map(({ HostIp }) => HostIp)).toEqual(['127.0.0.1']);
  });
});
