import type * as z from 'zod';
import type { taskDefinition } from './api/task-definition.ts';

const VOLUMES = [
  { name: 'run', containerPath: '/run/cc-docker' },
  { name: 'workspace', containerPath: '/workspace' },
  { name: 'claude', containerPath: '/claude' },
  { name: 'home', containerPath: '/home/agent' },
  { name: 'tmp', containerPath: '/tmp' },
];

/** The porter's time to save what the session left, seconds. */
const PORTER_STOP = 20;

/** The task definition that an operator registers, as `docs/ecs.md` has it. */
export function sessionDefinition(image = 'cc-docker/session', stopTimeout = 30): z.input<typeof taskDefinition> {
  const mounts = (readOnly: readonly string[]) =>
    VOLUMES.map(({ name, containerPath }) => ({
      sourceVolume: name,
      containerPath,
      readOnly: readOnly.includes(name),
    }));
  return {
    family: 'cc-docker-session',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE', 'EC2'],
    cpu: '1024',
    memory: '2048',
    volumes: VOLUMES.map(({ name }) => ({ name })),
    containerDefinitions: [
      {
        name: 'porter',
        image,
        user: '0:0',
        entryPoint: ['node', '/opt/cc-docker/porter.mjs'],
        mountPoints: mounts([]),
        healthCheck: { command: ['CMD', 'test', '-f', '/run/cc-docker/porter.ready'], interval: 5 },
        environment: [
          { name: 'CC_DOCKER_STOP_SECONDS', value: String(PORTER_STOP) },
          { name: 'CC_DOCKER_WORKSPACE', value: '/workspace' },
          { name: 'CC_DOCKER_CONVERSATION', value: '/claude' },
        ],
        stopTimeout: PORTER_STOP,
      },
      {
        name: 'session',
        image,
        user: '1000:1000',
        readonlyRootFilesystem: true,
        environment: [{ name: 'HOME', value: '/home/agent' }],
        linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
        mountPoints: mounts(['run']),
        ulimits: [{ name: 'nofile', softLimit: 16_384, hardLimit: 16_384 }],
        dependsOn: [{ containerName: 'porter', condition: 'HEALTHY' }],
        stopTimeout,
      },
    ],
  };
}
