import { dirname } from 'node:path';
import { STREAMS_SOCKET } from '../../protocol/link/tunnel/streams.ts';
import { SPARE_SOCKET } from '../../protocol/link/wrapper/spare.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { ownLimits } from './own-limits.ts';
import { TASK_METADATA } from './network-targets.ts';
import type { SealFacts } from './seal-facts.ts';

export type SealNotice = Extract<WrapperNotice, { notice: 'sealed' | 'seal_broken' }>;

/** What the probes are told of the container. */
type SealedLaunch = Pick<WrapperLaunch, 'cwd' | 'link_socket' | 'env' | 'limits'>;
/** Returns what is wrong, or `undefined` when the guarantee holds. */
export type Probe = (facts: SealFacts, launch: SealedLaunch) => string | undefined;

/** The runner's sockets in the run folder. */
const OWN_SOCKETS = ['link.sock', 'model.sock', 'proxy.sock', STREAMS_SOCKET, SPARE_SOCKET];
/** What the engine itself mounts. */
const ENGINE_MOUNTS = ['/', '/proc', '/sys', '/dev', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
/** What the runner lays over the image's own. */
const USERS = ['/etc/passwd', '/etc/group'];
const ENGINE_FOLDERS = ['/proc/', '/sys/', '/dev/'];
/** The engine's init. `/sbin` may be a link to `/usr/sbin`. */
const ENGINE_INIT = /^(\/usr)?\/sbin\/docker-init$/;
/** What ECS sets in a task that has a role: where its credentials are. */
const ROLE = /^AWS_CONTAINER_(CREDENTIALS|AUTHORIZATION)_/;
export const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const SECRET_NAME = /key|token|secret|passw|credential|auth/i;
/** Claude Code's own credentials: the values in the container contain the word "dummy". */
const MODEL_CREDENTIALS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];

/** A probe for each guarantee of the seal, by name. Pure: they judge the facts that were read. */
export const PROBES = {
  runner_only: ({ reached }) => {
    if (reached === null) return 'the network was not probed';
    const others = reached.filter((name) => name !== TASK_METADATA);
    return others.length > 0 ? `reached, and must not be: ${others.join(', ')}` : undefined;
  },
  task_metadata_without_credentials: ({ environment }) => {
    const found = Object.keys(environment).filter((name) => ROLE.test(name));
    return found.length > 0 ? `the task has a role: ${found.join(', ')}` : undefined;
  },
  network: ({ interfaces, routes }) => {
    const cards = interfaces.filter((name) => name !== 'lo');
    if (interfaces.length === 0) return 'the network cards could not be read';
    if (cards.length > 0) return `there is a network card: ${cards.join(', ')}`;
    const others = routes.filter(({ device }) => device !== 'lo');
    return others.length > 0 ? `there is a route over ${others.map(({ device }) => device).join(', ')}` : undefined;
  },
  user: ({ status }) => {
    const ids = (status.get('Uid') ?? '').split(/\s+/);
    return ids.length === 4 && ids.every((id) => /^[1-9]\d*$/.test(id)) ? undefined : `user ids are ${ids.join(' ')}`;
  },
  capabilities: ({ status }) => {
    const held = CAPABILITY_SETS.filter((name) => !/^0+$/.test(status.get(name) ?? 'unknown'));
    return held.length === 0 ? undefined : held.map((name) => `${name} is ${status.get(name) ?? 'unknown'}`).join(', ');
  },
  no_new_privileges: ({ status }) => expected(status, 'NoNewPrivs', '1'),
  seccomp: ({ status }) => expected(status, 'Seccomp', '2'),
  own_limits: ({ limits }, launch) => {
    const wrong = ownLimits(launch.limits ?? {}).filter(({ field, value }) => limits.get(field) !== String(value));
    if (wrong.length === 0) return undefined;
    return wrong.map(({ field, value }) => `${field} is ${limits.get(field) ?? 'unknown'}, not ${value}`).join(', ');
  },
  read_only_root: ({ mounts, rootWritable }) => {
    const root = mounts.findLast(({ point }) => point === '/');
    if (root === undefined) return 'the root file system is not in /proc/self/mountinfo';
    if (!root.readOnly) return 'the root file system is mounted for writing';
    return rootWritable === null ? undefined : `a file could be created: ${rootWritable}`;
  },
  mounts: ({ mounts }, launch) => {
    const own = [
      launch.cwd,
      dirname(launch.link_socket),
      ...['HOME', 'TMPDIR', 'CLAUDE_CONFIG_DIR'].map((name) => launch.env[name]),
    ];
    const foreign = mounts.filter(
      ({ point }) =>
        !own.includes(point) &&
        !ENGINE_MOUNTS.includes(point) &&
        !USERS.includes(point) &&
        !ENGINE_INIT.test(point) &&
        !ENGINE_FOLDERS.some((folder) => point.startsWith(folder)),
    );
    if (foreign.length > 0) return `mounted, and not by the runner: ${foreign.map(({ point }) => point).join(', ')}`;
    const run = mounts.findLast(({ point }) => point === dirname(launch.link_socket));
    return run?.readOnly === true ? undefined : 'the run folder is not mounted read-only';
  },
  kernel_files: ({ mounts, kernelWritable }) => {
    const open = ['/proc/sys', '/sys'].filter(
      (point) => mounts.findLast((mount) => mount.point === point)?.readOnly !== true,
    );
    if (open.length > 0) return `mounted for writing: ${open.join(', ')}`;
    return kernelWritable.length > 0 ? `can be opened: ${kernelWritable.join(', ')}` : undefined;
  },
  sockets: ({ engineSockets, runSockets }) => {
    const foreign = [...engineSockets, ...runSockets.filter((name) => !OWN_SOCKETS.includes(name))];
    return foreign.length > 0 ? `there is a socket that is not the session's: ${foreign.join(', ')}` : undefined;
  },
  dummies_only: ({ environment }, launch) => {
    // Only names: a value must not stand in a notice.
    const foreign = Object.keys(environment).filter(
      (name) => SECRET_NAME.test(name) && environment[name] !== launch.env[name],
    );
    const real = MODEL_CREDENTIALS.filter((name) => launch.env[name]?.includes('dummy') === false);
    const found = [...foreign, ...real];
    return found.length > 0 ? `looks like a real credential: ${found.join(', ')}` : undefined;
  },
} as const satisfies Readonly<Record<string, Probe>>;

function expected(status: SealFacts['status'], name: string, value: string): string | undefined {
  const found = status.get(name);
  return found === value ? undefined : `${name} is ${found ?? 'unknown'}, not ${value}`;
}

/** Guarantees that a kernel of its own gives a sandbox in another way, so that they cannot be probed there. */
export const HOST_KERNEL = ['no_new_privileges', 'seccomp', 'kernel_files'];

/** With a card or without, other things are to be probed. */
function applies(probe: string, { reached }: SealFacts, launch: WrapperLaunch): boolean {
  if (probe === 'network') return launch.network === undefined;
  if (probe === 'runner_only') return launch.network !== undefined;
  if (probe === 'task_metadata_without_credentials') return reached?.includes(TASK_METADATA) === true;
  if (probe === 'own_limits') return launch.limits !== undefined;
  return launch.own_kernel !== true || !HOST_KERNEL.includes(probe);
}

/** Runs the probes on the facts. */
export function judgeSeal(facts: SealFacts, launch: WrapperLaunch): SealNotice {
  const probes = Object.entries<Probe>(PROBES).filter(([probe]) => applies(probe, facts, launch));
  const failed = probes.flatMap(([probe, judge]) => {
    const detail = judge(facts, launch);
    return detail === undefined ? [] : [{ probe, detail: detail.slice(0, 1024) }];
  });
  return failed.length > 0
    ? { notice: 'seal_broken', failed }
    : { notice: 'sealed', probes: probes.map(([probe]) => probe) };
}

/** The facts could not be read: no guarantee is known to hold. */
export function unreadableSeal(error: unknown): SealNotice {
  const detail = `the seal could not be probed: ${String(error)}`.slice(0, 1024);
  return { notice: 'seal_broken', failed: [{ probe: 'probing', detail }] };
}
