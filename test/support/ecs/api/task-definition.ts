import * as z from 'zod';

/** What the stand-in takes of a task definition: as `RegisterTaskDefinition` does, and no more than what it then does. */
const pair = z.strictObject({ name: z.string(), value: z.string() });

const containerDefinition = z.strictObject({
  name: z.string(),
  image: z.string(),
  essential: z.boolean().default(true),
  user: z.string().optional(),
  entryPoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(pair).default([]),
  mountPoints: z
    .array(
      z.strictObject({ sourceVolume: z.string(), containerPath: z.string(), readOnly: z.boolean().default(false) }),
    )
    .default([]),
  readonlyRootFilesystem: z.boolean().default(false),
  linuxParameters: z
    .strictObject({
      initProcessEnabled: z.boolean().optional(),
      capabilities: z.strictObject({ drop: z.array(z.string()).optional() }).optional(),
    })
    .optional(),
  // Fargate has no other.
  ulimits: z.array(z.strictObject({ name: z.literal('nofile'), softLimit: z.int(), hardLimit: z.int() })).default([]),
  dependsOn: z
    .array(z.strictObject({ containerName: z.string(), condition: z.enum(['START', 'HEALTHY']) }))
    .default([]),
  healthCheck: z
    .strictObject({
      command: z.array(z.string()),
      interval: z.int().min(5).max(300).default(30),
      timeout: z.int().min(2).max(60).default(5),
      retries: z.int().min(1).max(10).default(3),
      startPeriod: z.int().min(0).max(300).optional(),
    })
    .optional(),
  stopTimeout: z.int().min(0).max(120).default(30),
  memory: z.int().optional(),
  memoryReservation: z.int().optional(),
  cpu: z.int().optional(),
  logConfiguration: z
    .strictObject({ logDriver: z.literal('awslogs'), options: z.record(z.string(), z.string()) })
    .optional(),
});
export type ContainerDefinition = z.infer<typeof containerDefinition>;

export const taskDefinition = z.strictObject({
  family: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  networkMode: z.literal('awsvpc'),
  requiresCompatibilities: z.array(z.enum(['FARGATE', 'EC2'])).min(1),
  cpu: z.string(),
  memory: z.string(),
  executionRoleArn: z.string().optional(),
  taskRoleArn: z.string().optional(),
  runtimePlatform: z
    .strictObject({ cpuArchitecture: z.enum(['X86_64', 'ARM64']), operatingSystemFamily: z.literal('LINUX') })
    .optional(),
  volumes: z.array(z.strictObject({ name: z.string(), configuredAtLaunch: z.boolean().optional() })).default([]),
  containerDefinitions: z.array(containerDefinition).min(1),
});
export type TaskDefinition = z.infer<typeof taskDefinition>;
