import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { launchConfig, type LaunchConfig } from '../../../../protocol/api/session/session-config.ts';
import { containerOwner, containerSpec, CONTAINER_LAYOUT } from '../../../../runner/backend/container-spec.ts';
import { launchFile, type LaunchFileInput } from '../../../../runner/session/container/launch-file.ts';
import { effectiveResources } from '../../../../runner/session/container/resources.ts';
import { sessionFolders } from '../../../../runner/lib/session-folders.ts';
import { NEW_FILES } from '../../../support/runner/running-runner.ts';

const settings = {
  image: 'cc-docker/session:latest',
  runnerId: 'a-runner',
  owner: { uid: 1000, gid: 1000 },
  runtime: undefined,
};
const LIMITS = { memoryMb: 2048, cpus: 2, pids: 512, workspaceMb: 4096, workspaceFiles: 1000 };
const MB = 1024 * 1024;
const ID = '0190a0a0-0000-7000-8000-000000000001';
const spec = (id: string, epoch: number, asked?: LaunchConfig['resources']) =>
  containerSpec(
    settings,
    { session_id: id, epoch },
    sessionFolders('/data/sessions', id),
    effectiveResources(asked, LIMITS),
  );

test('a container has no network, no capability, no way to gain one, and nothing writable but its own folders', () => {
  const { HostConfig, User, Env } = spec(ID, 1);
  expect(HostConfig).toMatchObject({
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', expect.stringMatching(/^seccomp=\{"defaultAction":"SCMP_ACT_ERRNO"/)],
    Privileged: false,
    ReadonlyRootfs: true,
    Init: true,
    IpcMode: 'private',
    PidsLimit: 512,
    Memory: 2048 * MB,
    MemorySwap: 2048 * MB,
    ShmSize: 1024 * MB,
    NanoCpus: 2e9,
    Ulimits: [
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'fsize', Soft: 4097 * MB, Hard: 4097 * MB },
    ],
  });
  expect(HostConfig).not.toHaveProperty('Runtime');
  expect(HostConfig).not.toHaveProperty('Tmpfs');
  expect(User).toBe('1000:1000');
  expect(Env).toEqual(['HOME=/home/agent']);
  const mounts = HostConfig.Mounts?.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly]);
  expect(mounts).toEqual([
    [`/data/sessions/${ID}/workspace`, '/workspace', false],
    [`/data/sessions/${ID}/claude`, '/claude', false],
    [`/data/sessions/${ID}/home`, '/home/agent', false],
    [`/data/sessions/${ID}/tmp`, '/tmp', false],
    [`/data/sessions/${ID}/run`, '/run/cc-docker', true],
    [`/data/sessions/${ID}/run/hosts`, '/etc/hosts', true],
    [`/data/sessions/${ID}/run/resolv.conf`, '/etc/resolv.conf', true],
    [`/data/sessions/${ID}/run/passwd`, '/etc/passwd', true],
    [`/data/sessions/${ID}/run/group`, '/etc/group', true],
  ]);
});

test('the runtime is the operator’s', () => {
  const { HostConfig } = containerSpec(
    { ...settings, runtime: 'runsc' },
    { session_id: ID, epoch: 1 },
    sessionFolders('/data/sessions', ID),
    effectiveResources(undefined, LIMITS),
  );
  expect(HostConfig.Runtime).toBe('runsc');
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

const anyResources = fc.record(
  {
    memory_mb: fc.integer({ min: 256, max: 1_048_576 }),
    cpus: fc.double({ min: 0.1, max: 1024, noNaN: true }),
    pids: fc.integer({ min: 64, max: 65_536 }),
    workspace_mb: fc.integer({ min: 16, max: 1_048_576 }),
  },
  { requiredKeys: [] },
);
/** All that a client may ask for. */
const anyConfig = fc
  .record({
    model: fc.constantFrom('opus-4', 'a/b', 'sonnet[1m]'),
    system_prompt: fc.string(),
    allowed_tools: fc.array(fc.string({ minLength: 1 })),
    mcp_servers: fc.dictionary(
      fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
      fc.record({
        command: fc.string({ minLength: 1 }),
        args: fc.array(fc.string()),
        env: fc.dictionary(fc.string(), fc.string()),
      }),
    ),
    network: fc.record({
      allow: fc.array(fc.constantFrom('*', '*.example.org:*', 'db.example.com:5432', '10.0.0.1', '[::1]:22')),
      presets: fc.array(fc.constantFrom('open', 'packages', 'privileged')),
    }),
    secrets: fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)),
    resources: anyResources,
    max_turns: fc.integer({ min: 1, max: 10_000 }),
  })
  .map((asked) => launchConfig.parse({ agent_tools: [], ...asked }));

test('of what a client asks for, four numbers within the operator’s limits reach the engine, and nothing else', () => {
  fc.assert(
    fc.property(anyConfig, (config) => {
      const { HostConfig, ...rest } = spec(ID, 1, config.resources);
      const { HostConfig: plain, ...plainRest } = spec(ID, 1);
      expect(rest).toEqual(plainRest);
      const { Memory = 0, MemorySwap, ShmSize, NanoCpus = 0, PidsLimit, Ulimits, ...fixed } = HostConfig;
      expect(plain).toMatchObject(fixed);
      expect(Object.keys(HostConfig)).toEqual(Object.keys(plain));
      expect(Memory).toBe(Math.min(config.resources?.memory_mb ?? Infinity, 2048) * MB);
      expect(MemorySwap).toBe(Memory);
      expect(ShmSize).toBe(Math.floor(Memory / 2));
      expect(NanoCpus).toBeLessThanOrEqual(2e9);
      expect(PidsLimit).toBe(Math.min(config.resources?.pids ?? Infinity, 512));
      const fsize = (Math.min(config.resources?.workspace_mb ?? Infinity, 4096) + 1) * MB;
      expect(Ulimits).toEqual([
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: fsize, Hard: fsize },
      ]);
    }),
  );
});

const LAUNCH = {
  session_id: ID,
  epoch: 1,
  token: 'secret-of-the-data-socket',
  resume: false,
  workspace: { type: 'ephemeral' as const },
  files: NEW_FILES,
};

const launchFileOf = async (config: LaunchConfig, more: Partial<LaunchFileInput> = {}) =>
  await launchFile({
    launch: { ...LAUNCH, config },
    folders: sessionFolders('/does/not/exist', ID),
    layout: CONTAINER_LAYOUT,
    upstream: { kind: 'demo' },
    claudeEnv: {},
    sealed: true,
    ownKernel: false,
    forwards: [],
    exposedEnv: {},
    packageEnv: {},
    git: undefined,
    telemetry: false,
    ...more,
  });

test('what a client asks for reaches the container as its launch file, and nothing else of that changes', async () => {
  await fc.assert(
    fc.asyncProperty(anyConfig, async (config) => {
      const { config: passed, ...rest } = await launchFileOf(config);
      expect(passed).toEqual(config);
      const { config: _, ...plain } = await launchFileOf(launchConfig.parse({ agent_tools: [] }));
      expect(rest).toEqual(plain);
      expect(JSON.stringify(rest)).not.toContain(LAUNCH.token);
    }),
    { numRuns: 30 },
  );
});

test('a session’s own variables replace defaults, and nothing that the seal or Claude Code relies on', async () => {
  const plain = launchConfig.parse({ agent_tools: [] });
  const own = { claudeEnv: { CLAUDE_CODE_MAX_RETRIES: '0' }, packageEnv: { PIP_INDEX_URL: 'https://pip.test' } };
  const exposed = { exposedEnv: { DATABASE_URL: 'of the operator' } };
  const { env: before } = await launchFileOf(plain, { ...own, ...exposed });
  const asked = Object.fromEntries([...Object.keys(before), 'NEW'].map((name) => [name, 'asked']));
  // As if the edge had not refused them.
  const { env } = await launchFileOf({ ...plain, env: asked }, { ...own, ...exposed });
  const changed = Object.keys(env).filter((name) => env[name] !== before[name]);
  expect(changed.toSorted()).toEqual(['GIT_CONFIG_SYSTEM', 'JAVA_TOOL_OPTIONS', 'LANG', 'NEW', 'PIP_INDEX_URL']);
  expect(env['JAVA_TOOL_OPTIONS']).toBe(`${before['JAVA_TOOL_OPTIONS']} asked`);
});

test('Java’s options of the operator, or else of the session, come behind those that name the proxy and the trust store', async () => {
  const plain = launchConfig.parse({ agent_tools: [] });
  const asked = { ...plain, env: { JAVA_TOOL_OPTIONS: '-Xmx1g' } };
  const { env } = await launchFileOf(asked);
  expect(env['JAVA_TOOL_OPTIONS']).toMatch(/^-Dhttp\.proxyHost=.* -Djavax\.net\.ssl\.trustStore=\S+ .* -Xmx1g$/);
  const exposedEnv = { JAVA_TOOL_OPTIONS: '-Xss2m' };
  expect((await launchFileOf(asked, { exposedEnv })).env['JAVA_TOOL_OPTIONS']).toMatch(/^-Dhttp\S+ .* -Xss2m$/);
  // Without a proxy there is nothing to say.
  expect((await launchFileOf(asked, { sealed: false })).env['JAVA_TOOL_OPTIONS']).toBe('-Xmx1g');
});

test('containers run as an unprivileged user, under root too', () => {
  expect(containerOwner({ uid: 0, gid: 0 })).toEqual({ uid: 1000, gid: 1000 });
  expect(containerOwner({ uid: 501, gid: 20 })).toEqual({ uid: 501, gid: 20 });
});

test('the seccomp profile denies what is not named, and names nothing that reaches past the container', () => {
  const file = path.join(import.meta.dirname, '../../../../container/seccomp.json');
  const profile: {
    defaultAction: string;
    syscalls: { names: string[]; action: string; args?: object[]; errnoRet?: number }[];
  } = JSON.parse(readFileSync(file, 'utf8'));
  expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
  const allowed = profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW');
  const free = new Set(allowed.filter(({ args }) => args === undefined).flatMap(({ names }) => names));
  const forbidden =
    'mount umount2 pivot_root chroot unshare setns clone clone3 socket socketpair ptrace process_vm_readv process_vm_writev ' +
    'kcmp pidfd_getfd bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key keyctl ' +
    'request_key init_module finit_module delete_module kexec_load kexec_file_load open_by_handle_at fsopen fsmount ' +
    'fsconfig move_mount open_tree mount_setattr swapon swapoff reboot syslog acct quotactl settimeofday clock_settime ' +
    'iopl ioperm sethostname setdomainname fanotify_init vhangup nfsservctl lookup_dcookie modify_ldt personality';
  expect(forbidden.split(' ').filter((name) => free.has(name))).toEqual([]);
  const limited = new Set(allowed.filter(({ args }) => args !== undefined).flatMap(({ names }) => names));
  expect([...limited].sort()).toEqual(['clone', 'personality', 'socket', 'socketpair']);
  // Taken for missing, so that libraries take the way that is filtered.
  expect(profile.syscalls.find(({ names }) => names.includes('clone3'))).toMatchObject({ errnoRet: 38 });
});
