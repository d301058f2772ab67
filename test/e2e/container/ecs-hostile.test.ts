import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import { EcsBackend } from '../../../runner/backend/ecs/ecs-backend.ts';
import { ecsClient } from '../../../runner/backend/ecs/task-api.ts';
import { makeSessionFolders, sessionFolders } from '../../../runner/lib/session-folders.ts';
import { socketAliases } from '../../../runner/link/socket-alias.ts';
import { PorterDoor } from '../../../runner/porter/porter-door.ts';
import { TaskFiles } from '../../../runner/porter/task-files.ts';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { ECS_SETTINGS, QUICK_CONTAINERS } from '../../support/ecs/backend-on-stand-in.ts';
import { DockerRuntime } from '../../support/ecs/docker-runtime.ts';
import { CREDENTIALS, EcsStandIn } from '../../support/ecs/ecs-stand-in.ts';
import { sessionDefinition } from '../../support/ecs/session-definition.ts';
import { TaskNetwork } from '../../support/ecs/task-network.ts';
import { freePort } from '../../support/net/free-port.ts';
import { listen } from '../../support/net/listen.ts';
import { sessionWith } from '../../support/porter/session-ends.ts';
import { keptLog } from '../../support/quiet-log.ts';
import { makeProbeImage } from '../../support/runner/probe-image.ts';
import { sessionId } from '../../support/runner/running-runner.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { atMost } from '../../support/patience.ts';

const SCRIPT = fileURLToPath(new URL('../../support/e2e/hostile/hostile-task.mjs', import.meta.url));
const OWNER = { uid: 1000, gid: 1000 };
const VICTIM: PlacementKey = { session_id: sessionId(1), epoch: 1 };
const MALLORY: PlacementKey = { session_id: sessionId(2), epoch: 1 };
const RESOURCES = { memory_mb: 1024, cpus: 1, pids: 256, workspace_mb: 512, workspace_files: 10_000 };
/** On which the other session's task listens. */
const NEIGHBOUR_PORT = 9_999;

describeDockerAsRoot('an agent that wants out of its task', ({ docker, image }) => {
  test('finds nobody but its runner’s door, which opens to no token that is not its porter’s', async () => {
    const folder = scratch();
    const probe = await makeProbeImage(docker, image, 'ecs-hostile');
    onTestFinished(async () => void (await docker.getImage(probe).remove({ force: true })));
    const network = await TaskNetwork.make();
    onTestFinished(() => network.remove());
    const delays = { provisioning: 10, pending: 10, deactivating: 10, deprovisioning: 10 };
    const ecs = await EcsStandIn.start({ runtime: new DockerRuntime({ docker, network }), delays, lateMs: 10 });
    onTestFinished(() => ecs.close());
    const definition = sessionDefinition(probe, 2);
    const session = definition.containerDefinitions.find(({ name }) => name === 'session');
    if (session === undefined) throw new Error('there is no session in the definition');
    session.entryPoint = ['node', '/run/cc-docker/hostile-task.mjs'];
    ecs.operations.register(definition);

    // Bait on every address of this machine: what reaches it has got past the task's one way.
    const bait = createServer((socket) => socket.on('error', () => {}).end('reached'));
    const baitPort = await listen(bait, '0.0.0.0');
    const udp = createSocket('udp4');
    udp.on('message', (message, { port, address }) => udp.send(message, port, address));
    udp.bind(0, '0.0.0.0');
    await once(udp, 'listening');
    onTestFinished(() => {
      bait.close();
      udp.close();
    });

    const { log, lines } = keptLog();
    const sessions = path.join(folder, 'sessions');
    const port = await freePort(network.runnerAddress);
    const listenOn = { host: network.runnerAddress, port };
    const door = await PorterDoor.open({
      folder: path.join(folder, 'porter'),
      listen: listenOn,
      aliases: socketAliases(),
      log,
    });
    const backend = new EcsBackend({
      client: ecsClient({ endpoint: ecs.url, region: 'eu-central-1', credentials: CREDENTIALS }),
      files: new TaskFiles({ door, owner: OWNER, log }),
      settings: ECS_SETTINGS,
      door,
      runnerId: 'a-runner',
      sessions,
      log,
      times: QUICK_CONTAINERS,
    });
    onTestFinished(() => backend.close());

    const start = async (key: PlacementKey, plan: object) => {
      const folders = sessionFolders(sessions, key.session_id);
      await makeSessionFolders(folders, OWNER);
      await mkdir(folders.run, { recursive: true });
      await copyFile(SCRIPT, path.join(folders.run, 'hostile-task.mjs'));
      await writeFile(path.join(folders.run, 'plan.json'), JSON.stringify(plan));
      const { token } = await door.expect(key, folders);
      const signal = AbortSignal.timeout(atMost(120));
      const started = await backend.start(key, folders, RESOURCES, { signal, onWaiting: () => {} });
      expect(started).toEqual({ ok: true });
      return { token, address: (await door.arrived(key, signal)).address };
    };

    let alive = 0;
    await sessionWith(sessions, VICTIM.session_id, 'link', (socket) => {
      socket.on('data', () => (alive += 1)).on('end', () => socket.end());
    });
    const victim = await start(VICTIM, { waits: NEIGHBOUR_PORT });
    await until(() => expect(alive).toBeGreaterThan(0));

    const own = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
    const addresses = own
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address);
    await start(MALLORY, {
      runner: listenOn,
      self: MALLORY.session_id,
      udp: udp.address().port,
      foreign: victim.token,
      forged: victim.token.replace(VICTIM.session_id, MALLORY.session_id),
      closed: [
        ...[...new Set([...addresses, network.runnerAddress])].map((host) => ({ host, port: baitPort })),
        ...addresses.filter((host) => host !== network.runnerAddress).map((host) => ({ host, port })),
        { host: victim.address, port: NEIGHBOUR_PORT },
        { host: victim.address, port: 22 },
      ],
    });
    const task = ecs.operations.tasks.at(-1)?.plan.id;
    const container = docker.getContainer(`ecs-${task}-session`);
    const result = await until(async () => {
      const said = (await container.logs({ stdout: true, stderr: true })).toString();
      const line = /RESULT (\{.*\})/.exec(said)?.[1];
      if (line === undefined) throw new Error(`no result yet: ${said.slice(-2000)}`);
      return JSON.parse(line) as { did: Record<string, boolean> };
    });
    const { did, ...found } = result;
    expect(found).toEqual({
      control: true,
      reached: [],
      names: false,
      tokens: ['closed', 'closed', 'closed', 'closed'],
      services: ['closed', 'closed', 'closed', 'closed', 'closed', 'closed'],
      secrets: [],
      // Its own, the shell's or python's, and the init: none of the porter's.
      processes: expect.any(Number),
      cards: ['lo', 'eth0'],
    });
    expect(Object.entries(did).filter(([, could]) => could)).toEqual([]);
    // The right token, which another porter had used: known, and of no use.
    expect(lines.join('')).toMatch(/"why":"(used|address)"/);
    const before = alive;
    await until(() => expect(alive).toBeGreaterThan(before + 1));
    await Promise.all([VICTIM, MALLORY].map((key) => backend.remove(key)));
  });
});
