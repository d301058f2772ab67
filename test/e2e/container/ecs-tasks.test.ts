import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { DockerRuntime, TASK_LABEL } from '../../support/ecs/docker-runtime.ts';
import { EcsStandIn } from '../../support/ecs/ecs-stand-in.ts';
import { TaskNetwork } from '../../support/ecs/task-network.ts';
import { close, listen } from '../../support/net/listen.ts';

/** Says on the volume what it reaches, and which files of its neighbour it can see. */
const LOOK = `
const net = require('net'), fs = require('fs');
const [runner, port, ...others] = process.argv.slice(1);
const reach = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 1000 });
  const end = (how) => { socket.destroy(); resolve(how); };
  socket.once('connect', () => end(true)).once('timeout', () => end(false)).once('error', () => end(false));
});
(async () => {
  const seen = { runner: await reach(runner, port) };
  for (const other of others) seen[other] = await reach(...other.split('|'));
  seen.name = await new Promise((resolve) => require('dns').lookup('example.com', (error) => resolve(error === null)));
  seen.uid = process.getuid();
  seen.processes = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length;
  console.log(JSON.stringify(seen));
  setInterval(() => {}, 1000);
})();
`;

describeDockerAsRoot('tasks of the stand-in of ECS', ({ docker, image }) => {
  test('reach one port of one address, share their volumes, and leave nothing', async () => {
    const network = await TaskNetwork.make();
    onTestFinished(() => network.remove());
    const [runner, other] = [createServer((socket) => socket.end()), createServer((socket) => socket.end())];
    const port = await listen(runner, '0.0.0.0');
    const otherPort = await listen(other, '0.0.0.0');
    onTestFinished(async () => void (await Promise.all([close(runner), close(other)])));
    const own = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
    // Its loopback is the task's own.
    const hosts = own.filter(({ internal }) => !internal).map(({ address }) => address);
    const closed = [
      `${network.runnerAddress}|${otherPort}`,
      '169.254.170.2|80',
      '1.1.1.1|443',
      ...hosts.filter((host) => host !== network.runnerAddress).map((host) => `${host}|${port}`),
    ];
    const ecs = await EcsStandIn.start({ runtime: new DockerRuntime({ docker, network }) });
    const look = ['-e', LOOK, network.runnerAddress, String(port), ...closed];
    ecs.operations.register({
      family: 'session',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      volumes: [{ name: 'run' }],
      containerDefinitions: [
        {
          name: 'session',
          image,
          user: '1000:1000',
          entryPoint: ['node'],
          command: look,
          readonlyRootFilesystem: true,
          mountPoints: [{ sourceVolume: 'run', containerPath: '/run/cc-docker', readOnly: true }],
          dependsOn: [{ containerName: 'porter', condition: 'HEALTHY' }],
          stopTimeout: 2,
        },
        {
          name: 'porter',
          image,
          user: '0:0',
          entryPoint: ['sh'],
          environment: [{ name: 'CC_DOCKER_RUNNER_ADDRESS', value: `${network.runnerAddress}:${port}` }],
          command: ['-c', 'echo here > /run/cc-docker/file; exec sleep 1000'],
          mountPoints: [{ sourceVolume: 'run', containerPath: '/run/cc-docker' }],
          healthCheck: { command: ['CMD', 'test', '-e', '/run/cc-docker/file'] },
          stopTimeout: 2,
        },
      ],
    });
    const awsvpcConfiguration = { subnets: ['subnet-a'] };
    for (const _ of [1, 2])
      ecs.operations.call('RunTask', {
        cluster: 'of-the-tests',
        taskDefinition: 'session',
        launchType: 'FARGATE',
        networkConfiguration: { awsvpcConfiguration },
      });
    const { tasks } = ecs.operations;
    await expect.poll(() => tasks.map(({ now }) => now.lastStatus)).toEqual(['RUNNING', 'RUNNING']);
    for (const { plan } of tasks) {
      const container = docker.getContainer(`ecs-${plan.id}-session`);
      const said = await expect
        .poll(async () => /\{.*\}/.exec((await container.logs({ stdout: true, stderr: true })).toString())?.[0])
        .toBeDefined()
        .then(async () => /\{.*\}/.exec((await container.logs({ stdout: true })).toString())?.[0] ?? '');
      expect(JSON.parse(said)).toEqual({
        runner: true,
        ...Object.fromEntries(closed.map((one) => [one, false])),
        name: false,
        uid: 1000,
        processes: 1,
      });
    }
    await ecs.close();
    for (const { plan } of tasks) {
      const filters = { label: [`${TASK_LABEL}=${plan.id}`] };
      expect(await docker.listContainers({ all: true, filters })).toEqual([]);
      expect((await docker.listVolumes({ filters })).Volumes).toEqual([]);
    }
    expect(tasks.map(({ now }) => now.lastStatus)).toEqual(['STOPPED', 'STOPPED']);
    // Each task's card is gone. The runner's own is not listed: nothing is on its other end.
    const cards = Object.values(networkInterfaces()).filter((one) =>
      one?.some(({ address }) => address === network.runnerAddress),
    );
    expect(cards).toEqual([]);
  });
});
