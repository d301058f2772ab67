import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { effectiveResources } from '../../../../runner/session/container/resources.ts';

const LIMITS = { memoryMb: 2048, cpus: 2, pids: 512, workspaceMb: 4096, workspaceFiles: 5000 };

test('a session that asks for nothing gets what the operator allows', () => {
  const all = { memory_mb: 2048, cpus: 2, pids: 512, workspace_mb: 4096, workspace_files: 5000 };
  expect(effectiveResources(undefined, LIMITS)).toEqual(all);
  expect(effectiveResources({}, LIMITS)).toEqual(all);
});

test('it gets less when it asks for less, and never more', () => {
  expect(effectiveResources({ memory_mb: 512, cpus: 64 }, LIMITS)).toMatchObject({ memory_mb: 512, cpus: 2 });
  const asked = fc.record(
    {
      memory_mb: fc.nat(),
      cpus: fc.double({ noNaN: true, min: 0 }),
      pids: fc.nat(),
      workspace_mb: fc.nat(),
      workspace_files: fc.nat(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(asked, (wanted) => {
      const given = effectiveResources(wanted, LIMITS);
      expect(given.memory_mb).toBeLessThanOrEqual(LIMITS.memoryMb);
      expect(given.cpus).toBeLessThanOrEqual(LIMITS.cpus);
      expect(given.pids).toBeLessThanOrEqual(LIMITS.pids);
      expect(given.workspace_mb).toBeLessThanOrEqual(LIMITS.workspaceMb);
      expect(given.workspace_files).toBeLessThanOrEqual(LIMITS.workspaceFiles);
    }),
  );
});
