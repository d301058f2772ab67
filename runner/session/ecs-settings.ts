import * as z from 'zod';
import type { EcsSettings } from '../backend/ecs/task-request.ts';

const list = z
  .string()
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
  .pipe(z.array(z.string().max(255)).min(1).max(16));

/** The variables of a runner whose sessions are tasks of Amazon ECS. AWS's own (`AWS_REGION`, …) are the SDK's. */
export const ecsEnvironment = {
  ECS_CLUSTER: z.string().optional(),
  ECS_TASK_DEFINITION: z.string().default('cc-docker-session'),
  ECS_SUBNETS: list.optional(),
  ECS_SECURITY_GROUPS: list.optional(),
  ECS_CAPACITY_PROVIDERS: list.optional(),
  ECS_LAUNCH_TYPE: z.enum(['FARGATE', 'EC2']).default('FARGATE'),
  ECS_ASSIGN_PUBLIC_IP: z.stringbool().default(false),
  ECS_EBS_ROLE: z.string().optional(),
  ECS_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  PORTER_ADDRESS: z
    .string()
    .regex(
      /^[A-Za-z0-9.-]+(:\d{1,5})?$/,
      'must be the name or the private IPv4 address at which tasks reach this runner',
    )
    .optional(),
  PORTER_LISTEN: z.ipv4('must be an IPv4 address of this machine').default('0.0.0.0'),
  PORTER_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port')
    .transform(Number)
    .default(7443),
};
type Environment = z.infer<z.ZodObject<typeof ecsEnvironment>>;

/** What a runner of ECS lacks. */
export function ecsProblems(env: Environment & { RUNNER_BACKEND: string }): { variable: string; message: string }[] {
  if (env.RUNNER_BACKEND !== 'ecs') return [];
  const needed = ['ECS_CLUSTER', 'ECS_SUBNETS', 'ECS_SECURITY_GROUPS', 'PORTER_ADDRESS'] as const;
  return needed
    .filter((variable) => env[variable] === undefined)
    .map((variable) => ({ variable, message: 'is not set: the ecs backend needs it (docs/ecs.md)' }));
}

export interface EcsRunnerSettings {
  ecs: EcsSettings;
  /** Absent: AWS's own. */
  endpoint: string | undefined;
  door: { address: string; listen: { host: string; port: number } };
}

/** null: the runner is of another backend. */
export function ecsSettings(env: Environment & { RUNNER_BACKEND: string }): EcsRunnerSettings | null {
  if (env.RUNNER_BACKEND !== 'ecs') return null;
  const { ECS_CAPACITY_PROVIDERS: providers, PORTER_ADDRESS: address = '', PORTER_PORT: port } = env;
  return {
    ecs: {
      cluster: env.ECS_CLUSTER ?? '',
      taskDefinition: env.ECS_TASK_DEFINITION,
      subnets: env.ECS_SUBNETS ?? [],
      securityGroups: env.ECS_SECURITY_GROUPS ?? [],
      assignPublicIp: env.ECS_ASSIGN_PUBLIC_IP,
      capacity: providers?.map((provider) => ({ provider })) ?? [{ launchType: env.ECS_LAUNCH_TYPE }],
      ebsRole: env.ECS_EBS_ROLE,
    },
    endpoint: env.ECS_ENDPOINT,
    door: {
      address: address.includes(':') ? address : `${address}:${port}`,
      listen: { host: env.PORTER_LISTEN, port },
    },
  };
}
