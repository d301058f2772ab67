import * as z from 'zod';
import type { EcsSettings } from '../backend/ecs/task-request.ts';

const list = z
  .string()
  .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
  .pipe(z.array(z.string().max(255)).min(1).max(16));

const backendEnvironment = {
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

/** What one address, one task, or whoever comes to the door may cause. See docs/bounds.md. */
const whole = (fallback: number, min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(fallback);
};
const doorEnvironment = {
  /** For so long a task may be out of reach while ECS says that it runs, seconds. */
  PORTER_LOST_AFTER: whole(300, 15, 86_400),
  /** Connections whose caller has not said who it is: in all, and of one address. */
  PORTER_MAX_CALLERS: whole(256, 1, 65_536),
  PORTER_MAX_CALLERS_PER_ADDRESS: whole(32, 1, 65_536),
  /** How long a caller may take to say who it is, seconds. */
  PORTER_ARRIVAL_TIMEOUT: whole(10, 1, 300),
  /** Connections that one session has through the door at a time. */
  PORTER_MAX_STREAMS: whole(512, 16, 65_536),
};
/** The variables of a runner whose sessions are tasks of Amazon ECS. AWS's own (`AWS_REGION`, …) are the SDK's. */
export const ecsEnvironment = { ...backendEnvironment, ...doorEnvironment };

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
  door: {
    address: string;
    listen: { host: string; port: number };
    bounds: { callers: number; callersPerAddress: number; arrivalMs: number; streams: number };
  };
  /** For so long a task may be out of reach, milliseconds. */
  lostAfterMs: number;
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
      bounds: {
        callers: env.PORTER_MAX_CALLERS,
        callersPerAddress: env.PORTER_MAX_CALLERS_PER_ADDRESS,
        arrivalMs: env.PORTER_ARRIVAL_TIMEOUT * 1000,
        streams: env.PORTER_MAX_STREAMS,
      },
    },
    lostAfterMs: env.PORTER_LOST_AFTER * 1000,
  };
}
