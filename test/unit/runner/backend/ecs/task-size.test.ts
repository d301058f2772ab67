import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ec2Size, fargateSize } from '../../../../../runner/backend/ecs/task-size.ts';
import { isFargateSize } from '../../../../support/ecs/api/fargate-sizes.ts';

const resources = (more: object = {}) => ({
  memory_mb: 2048,
  cpus: 1,
  pids: 128,
  workspace_mb: 1024,
  workspace_files: 1000,
  ...more,
});

test('a task has the least size of Fargate’s that holds the session and its porter', () => {
  expect(fargateSize(resources())).toEqual({ cpu: 1024, memory: 3072, sessionMemory: 2048, storageGib: undefined });
  expect(fargateSize(resources({ cpus: 0.25, memory_mb: 256 }))).toMatchObject({ cpu: 256, memory: 512 });
  // More memory than so few cores can have.
  expect(fargateSize(resources({ cpus: 0.25, memory_mb: 4096 }))).toMatchObject({ cpu: 1024, memory: 5120 });
  expect(fargateSize(resources({ workspace_mb: 51_200 }))?.storageGib).toBe(60);
  expect(fargateSize(resources({ workspace_mb: 10_241 }))?.storageGib).toBe(21);
  expect(fargateSize(resources({ cpus: 17 }))).toBeUndefined();
  expect(fargateSize(resources({ memory_mb: 122_880 }))).toBeUndefined();
  expect(fargateSize(resources({ workspace_mb: 204_800 }))).toBeUndefined();
  expect(ec2Size(resources({ cpus: 17 }))).toMatchObject({ cpu: 17_408, memory: 2304 });
});

test('whatever a session asks for, the size is one that Fargate has and enough for it', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 16, noNaN: true }), fc.integer({ min: 256, max: 120_000 }), (cpus, mb) => {
      const size = fargateSize(resources({ cpus, memory_mb: mb }));
      if (size === undefined) return;
      expect(isFargateSize(size.cpu, size.memory)).toBe(true);
      expect(size.cpu).toBeGreaterThanOrEqual(cpus * 1024);
      expect(size.memory).toBeGreaterThan(mb);
    }),
  );
});
