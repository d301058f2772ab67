import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { containerOwner, containerSpec } from '../../runner/backend/container-spec.ts';
import { launchFile } from '../../runner/launch-file.ts';
import { CONTAINER_LAYOUT } from '../../runner/backend/container-spec.ts';
import { sessionFolders } from '../../runner/session-folders.ts';

const settings = {
  image: 'cc-docker/session:latest',
  runnerId: 'a-runner',
  owner: { uid: 1000, gid: 1000 },
  limits: { memoryMb: 2048, cpus: 2, pids: 512 },
};
const ID = '0190a0a0-0000-7000-8000-000000000001';
const spec = (id: string, epoch: number) =>
  containerSpec(settings, { session_id: id, epoch }, sessionFolders('/data/sessions', id));

test('a container has no network, no capability, no way to gain one, and nothing writable but its own folders', () => {
  const { HostConfig, User, Env } = spec(ID, 1);
  expect(HostConfig).toMatchObject({
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    ReadonlyRootfs: true,
    Init: true,
    IpcMode: 'private',
    PidsLimit: 512,
    Memory: 2048 * 1024 * 1024,
    MemorySwap: 2048 * 1024 * 1024,
    NanoCpus: 2e9,
  });
  expect(User).toBe('1000:1000');
  expect(Env).toEqual(['HOME=/home/agent']);
  const mounts = HostConfig.Mounts?.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly]);
  expect(mounts).toEqual([
    [`/data/sessions/${ID}/workspace`, '/workspace', false],
    [`/data/sessions/${ID}/claude`, '/claude', false],
    [`/data/sessions/${ID}/run`, '/run/cc-docker', true],
  ]);
});

/** A spec without what may tell two sessions apart. */
const blank = (id: string, epoch: number) =>
  JSON.stringify(spec(id, epoch))
    .replaceAll(`${id}-${epoch}`, 'NAME')
    .replaceAll(id, 'ID')
    .replace(`epoch":"${epoch}"`, 'E');

test('of two sessions’ containers, nothing differs but the name, the labels and the folders of the session', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), fc.integer({ min: 1 }), fc.integer({ min: 1 }), (a, b, epochA, epochB) => {
      expect(blank(a, epochA)).toBe(blank(b, epochB));
    }),
  );
});

test('what a client asks for reaches the container as its launch file, and cannot set its environment', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        model: fc.string(),
        system_prompt: fc.string(),
        allowed_tools: fc.array(fc.string()),
        mcp_servers: fc.dictionary(
          fc.string(),
          fc.record({ command: fc.string(), env: fc.dictionary(fc.string(), fc.string()) }),
        ),
      }),
      async (asked) => {
        const config = { timeout_seconds: 1, max_turns: 1, secrets: [], skills: [], ...asked };
        const launch = {
          session_id: ID,
          epoch: 1,
          token: 'secret-of-the-data-socket',
          resume: false,
          workspace: { type: 'ephemeral' as const },
          config,
        };
        const folders = sessionFolders('/does/not/exist', ID);
        const make = async (wanted: typeof launch) =>
          await launchFile({
            launch: wanted,
            folders,
            layout: CONTAINER_LAYOUT,
            upstream: { kind: 'demo' },
            claudeEnv: {},
          });
        const { config: passed, ...rest } = await make(launch);
        expect(passed).toEqual(config);
        const { config: _, ...plain } = await make({ ...launch, config: { ...config, model: 'x', mcp_servers: {} } });
        expect(rest).toEqual(plain);
        expect(JSON.stringify(rest)).not.toContain(launch.token);
      },
    ),
    { numRuns: 30 },
  );
});

test('containers run as an unprivileged user, under root too', () => {
  expect(containerOwner({ uid: 0, gid: 0 })).toEqual({ uid: 1000, gid: 1000 });
  expect(containerOwner({ uid: 501, gid: 20 })).toEqual({ uid: 501, gid: 20 });
});
