import { expect, test } from 'vitest';
import { launchConfig } from '../../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { SealFacts } from '../../../wrapper/seal/seal-facts.ts';
import { judgeSeal } from '../../../wrapper/seal/seal.ts';
import { Stage } from '../../support/wrapper/run-wrapper.ts';

const DUMMY = 'sk-ant-api03-dummy-the-runner-holds-the-real-one';

const LAUNCH: WrapperLaunch = {
  session_id: '0190a0a0-0000-7000-8000-000000000000',
  epoch: 1,
  resume: false,
  claude: '/usr/local/bin/claude',
  cwd: '/workspace',
  link_socket: '/run/cc-docker/link.sock',
  scratch: '/tmp',
  seal: true,
  env: { HOME: '/home/agent', TMPDIR: '/tmp', CLAUDE_CONFIG_DIR: '/claude', ANTHROPIC_API_KEY: DUMMY },
  config: launchConfig.parse({ agent_tools: [] }),
};

/** A container as Docker makes it. */
const SEALED: SealFacts = {
  interfaces: ['lo'],
  routes: [{ device: 'lo' }],
  status: new Map([
    ['Uid', '1000\t1000\t1000\t1000'],
    ['CapInh', '0000000000000000'],
    ['CapPrm', '0000000000000000'],
    ['CapEff', '0000000000000000'],
    ['CapBnd', '0000000000000000'],
    ['CapAmb', '0000000000000000'],
    ['NoNewPrivs', '1'],
    ['Seccomp', '2'],
  ]),
  limits: new Map([
    ['Max core file size', '0'],
    ['Max processes', '256'],
    ['Max file size', '1048576'],
  ]),
  mounts: [
    { point: '/', readOnly: true },
    { point: '/proc', readOnly: false },
    { point: '/dev', readOnly: false },
    { point: '/dev/shm', readOnly: false },
    { point: '/sys', readOnly: true },
    { point: '/sys/fs/cgroup', readOnly: true },
    { point: '/proc/sys', readOnly: true },
    { point: '/usr/sbin/docker-init', readOnly: true },
    { point: '/etc/hosts', readOnly: true },
    { point: '/workspace', readOnly: false },
    { point: '/claude', readOnly: false },
    { point: '/tmp', readOnly: false },
    { point: '/home/agent', readOnly: false },
    { point: '/run/cc-docker', readOnly: true },
  ],
  rootWritable: null,
  kernelWritable: [],
  engineSockets: [],
  runSockets: ['link.sock', 'model.sock', 'proxy.sock', 'sockets/streams.sock'],
  reached: null,
  environment: { HOME: '/home/agent', PATH: '/bin', HOSTNAME: 'session' },
};

const withStatus = (name: string, value: string) => ({ status: new Map([...SEALED.status, [name, value]]) });
const withMount = (point: string, readOnly = false) => ({ mounts: [...SEALED.mounts, { point, readOnly }] });

test('a container as it should be is sealed, and says what was probed', () => {
  expect(judgeSeal(SEALED, LAUNCH)).toEqual({
    notice: 'sealed',
    probes: [
      'network',
      'user',
      'capabilities',
      'no_new_privileges',
      'seccomp',
      'read_only_root',
      'mounts',
      'kernel_files',
      'sockets',
      'dummies_only',
    ],
  });
});

test.each<[string, string, Partial<SealFacts>, RegExp]>([
  ['a network card', 'network', { interfaces: ['lo', 'eth0'] }, /eth0/],
  ['a default route', 'network', { routes: [{ device: 'eth0' }] }, /route over eth0/],
  ['unreadable network cards', 'network', { interfaces: [] }, /could not be read/],
  ['root', 'user', withStatus('Uid', '0\t0\t0\t0'), /0 0 0 0/],
  ['a saved user id of root', 'user', withStatus('Uid', '1000\t1000\t0\t1000'), /1000 1000 0/],
  ['an effective capability', 'capabilities', withStatus('CapEff', '0000000000003000'), /CapEff/],
  ['a capability that it could get', 'capabilities', withStatus('CapBnd', '00000000a80425fb'), /CapBnd/],
  ['set-user-id programs', 'no_new_privileges', withStatus('NoNewPrivs', '0'), /is 0, not 1/],
  ['no seccomp filter', 'seccomp', withStatus('Seccomp', '0'), /is 0, not 2/],
  ['a root that is mounted for writing', 'read_only_root', { mounts: [{ point: '/', readOnly: false }] }, /writing/],
  ['a root that takes a file', 'read_only_root', { rootWritable: '/etc/x' }, /\/etc\/x/],
  ['a folder of the host', 'mounts', withMount('/host'), /\/host/],
  ['the Docker socket', 'mounts', withMount('/var/run/docker.sock', true), /docker\.sock/],
  ['a run folder that can be written', 'mounts', withMount('/run/cc-docker'), /read-only/],
  ['kernel settings that can be written', 'kernel_files', withMount('/proc/sys'), /\/proc\/sys/],
  ['a core pattern that can be set', 'kernel_files', { kernelWritable: ['/proc/sys/kernel/core_pattern'] }, /core_pat/],
  ['an engine’s socket', 'sockets', { engineSockets: ['/run/containerd/containerd.sock'] }, /containerd/],
  ['another socket in the run folder', 'sockets', { runSockets: ['link.sock', 'control.sock'] }, /control\.sock/],
  ['another socket below it', 'sockets', { runSockets: ['sockets/control.sock'] }, /control\.sock/],
  ['a credential of the host', 'dummies_only', { environment: { AWS_SECRET_ACCESS_KEY: 'canary' } }, /AWS_SECRET/],
])('%s breaks the seal', (_, probe, facts, detail) => {
  const judged = judgeSeal({ ...SEALED, ...facts }, LAUNCH);
  expect(judged).toMatchObject({ notice: 'seal_broken' });
  if (judged.notice !== 'seal_broken') throw new Error('unreachable');
  expect(judged.failed.find((failure) => failure.probe === probe)?.detail).toMatch(detail);
});

test('a model credential that is no dummy breaks the seal, and is not said', () => {
  const judged = judgeSeal(SEALED, { ...LAUNCH, env: { ...LAUNCH.env, ANTHROPIC_API_KEY: 'sk-ant-api03-canary' } });
  expect(judged).toMatchObject({ notice: 'seal_broken', failed: [{ probe: 'dummies_only' }] });
  expect(JSON.stringify(judged)).not.toContain('canary');
});

test('with a kernel of its own, what only the host’s kernel shows is not asked for', () => {
  const facts = { ...SEALED, ...withStatus('Seccomp', '0') };
  expect(judgeSeal(facts, { ...LAUNCH, own_kernel: true })).toMatchObject({ notice: 'sealed' });
});

test('limits that the wrapper sets itself are probed where there are some', () => {
  const launch = { ...LAUNCH, limits: { processes: 256, file_bytes: 1_048_576 } };
  expect(judgeSeal(SEALED, launch)).toMatchObject({ notice: 'sealed', probes: expect.arrayContaining(['own_limits']) });
  const unlimited = new Map([...SEALED.limits, ['Max processes', 'unlimited']]);
  expect(judgeSeal({ ...SEALED, limits: unlimited }, launch)).toMatchObject({
    notice: 'seal_broken',
    failed: [{ probe: 'own_limits', detail: 'Max processes is unlimited, not 256' }],
  });
});

test('where the seal is broken, that is said first, nothing is started, and the wrapper ends', async () => {
  await using stage = await Stage.open();
  const claude = await stage.standIn(`require('node:fs').writeFileSync(${JSON.stringify(stage.path('ran'))}, '')`);
  const { session } = stage;
  session.prompt('hello');
  // This machine is no container.
  const wrapper = await stage.start({ claude, seal: true });
  const { failed } = await session.notice('seal_broken');
  expect(failed.map(({ probe }) => probe)).toContain('read_only_root');
  const { code, stderr } = await wrapper.exit;
  expect(code).toBe(71);
  expect(stderr).toContain('the seal is broken: read_only_root');
  expect(session.items).toHaveLength(1);
  expect(session.taken).toBe(0);
  const { existsSync } = await import('node:fs');
  expect(existsSync(stage.path('ran'))).toBe(false);
});

const WITH_CARD: WrapperLaunch = { ...LAUNCH, network: { runner: { host: '10.0.0.7', port: 8700 } } };
const CARD = { interfaces: ['lo', 'eth0'], routes: [{ device: 'lo' }, { device: 'eth0' }] };

test('a container with a network card is sealed when nothing but its runner answers, and says so by another name', () => {
  const judged = judgeSeal({ ...SEALED, ...CARD, reached: [] }, WITH_CARD);
  expect(judged).toMatchObject({ notice: 'sealed', probes: expect.arrayContaining(['runner_only']) });
  expect(judged).not.toMatchObject({ probes: expect.arrayContaining(['network']) });
});

test.each([
  ['something outside answered', { reached: ['outside'] }, 'runner_only'],
  ['the machine gives its metadata', { reached: ['task metadata', 'instance metadata'] }, 'runner_only'],
  ['nothing was tried', { reached: null }, 'runner_only'],
  [
    'the task has a role',
    {
      reached: ['task metadata'],
      environment: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1' },
    },
    'task_metadata_without_credentials',
  ],
])('with a network card, the seal is broken when %s', (_, facts, probe) => {
  const judged = judgeSeal({ ...SEALED, ...CARD, ...facts }, WITH_CARD);
  expect(judged).toMatchObject({
    notice: 'seal_broken',
    failed: expect.arrayContaining([expect.objectContaining({ probe })]),
  });
});

test('the endpoint that each task of ECS has is named, where it answers and gives no credentials', () => {
  const environment = { ...SEALED.environment, AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE', AWS_REGION: 'eu-west-1' };
  expect(judgeSeal({ ...SEALED, ...CARD, environment, reached: ['task metadata'] }, WITH_CARD)).toMatchObject({
    notice: 'sealed',
    probes: expect.arrayContaining(['runner_only', 'task_metadata_without_credentials']),
  });
});
