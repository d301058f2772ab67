import * as z from 'zod';

/** What callers may say, as the API's reference has it. What is not here is refused: nothing depends on what was not tried. */
const arnOrName = z.string().min(1);

export const runTaskInput = z.strictObject({
  cluster: arnOrName.optional(),
  taskDefinition: arnOrName,
  count: z.int().min(1).max(10).default(1),
  clientToken: z
    .string()
    .regex(/^[!-~]{1,64}$/)
    .optional(),
  startedBy: z
    .string()
    .regex(/^[A-Za-z0-9/_-]{1,128}$/)
    .optional(),
  launchType: z.enum(['FARGATE', 'EC2']).optional(),
  capacityProviderStrategy: z
    .array(z.strictObject({ capacityProvider: z.string(), weight: z.int().optional(), base: z.int().optional() }))
    .min(1)
    .max(20)
    .optional(),
  platformVersion: z.string().optional(),
  enableExecuteCommand: z.boolean().optional(),
  enableECSManagedTags: z.boolean().optional(),
  propagateTags: z.enum(['TASK_DEFINITION']).optional(),
  tags: z
    .array(z.strictObject({ key: z.string().min(1).max(128), value: z.string().max(256) }))
    .max(50)
    .optional(),
  // Without it a task of this network mode is refused.
  networkConfiguration: z.strictObject({
    awsvpcConfiguration: z.strictObject({
      subnets: z.array(z.string()).min(1).max(16),
      securityGroups: z.array(z.string()).max(5).optional(),
      assignPublicIp: z.enum(['ENABLED', 'DISABLED']).optional(),
    }),
  }),
  overrides: z
    .strictObject({
      cpu: z.string().optional(),
      memory: z.string().optional(),
      ephemeralStorage: z.strictObject({ sizeInGiB: z.int().min(21).max(200) }).optional(),
      containerOverrides: z
        .array(
          z.strictObject({
            name: z.string(),
            command: z.array(z.string()).optional(),
            environment: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
            cpu: z.int().optional(),
            memory: z.int().min(6).optional(),
            memoryReservation: z.int().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
  volumeConfigurations: z
    .array(
      z.strictObject({
        name: z.string(),
        managedEBSVolume: z.strictObject({
          roleArn: z.string(),
          sizeInGiB: z.int().min(1).max(65_536),
          volumeType: z.string().optional(),
          filesystemType: z.enum(['ext4', 'xfs']).optional(),
          terminationPolicy: z.strictObject({ deleteOnTermination: z.boolean() }).optional(),
        }),
      }),
    )
    .max(1)
    .optional(),
});
export type RunTaskInput = z.infer<typeof runTaskInput>;

export const stopTaskInput = z.strictObject({
  cluster: arnOrName.optional(),
  task: arnOrName,
  reason: z.string().max(1024).optional(),
});

export const describeTasksInput = z.strictObject({
  cluster: arnOrName.optional(),
  tasks: z.array(arnOrName).min(1).max(100),
  include: z.array(z.literal('TAGS')).optional(),
});

export const listTasksInput = z.strictObject({
  cluster: arnOrName.optional(),
  startedBy: z.string().optional(),
  desiredStatus: z.enum(['RUNNING', 'STOPPED']).optional(),
  maxResults: z.int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
});
