import { closeSync, existsSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { whatAnswers } from './network-probe.ts';
import { networkTargets } from './network-targets.ts';

/** A line of `/proc/self/mountinfo`. */
interface Mount {
  point: string;
  readOnly: boolean;
}

/** What a process in the container sees of its environment: read here, judged in seal.ts. */
export interface SealFacts {
  /** Network cards. */
  interfaces: string[];
  routes: { device: string }[];
  /** `/proc/self/status` by field. */
  status: ReadonlyMap<string, string>;
  /** `/proc/self/limits`: the hard limits by field. */
  limits: ReadonlyMap<string, string>;
  mounts: Mount[];
  /** A file that could be created outside of the writable mounts; null: none could. */
  rootWritable: string | null;
  /** Files of the kernel that could be opened and must not be. */
  kernelWritable: string[];
  /** Sockets of container engines that exist here. */
  engineSockets: string[];
  /** The sockets in the run folder, by their paths in it. */
  runSockets: string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** What answered of what must not, by name; null: there is no card, or it was not tried. */
  reached: readonly string[] | null;
}

const ROOT_FILES = ['/.cc-docker-seal', '/etc/.cc-docker-seal', '/usr/.cc-docker-seal'];
const ENGINE_SOCKETS = [
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
];
/** Who can write one of these reaches the host. */
const KERNEL_FILES = ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper'];
/** Who can read one of these reads the host's memory. The engine hides them. */
const KERNEL_SECRETS = ['/proc/kcore'];

/** Reads the facts, in about a millisecond; with a network card, in two seconds. @throws when the kernel's files are not there */
export async function readSealFacts(launch: Pick<WrapperLaunch, 'network' | 'link_socket'>): Promise<SealFacts> {
  return {
    reached:
      launch.network === undefined ? null : await whatAnswers(networkTargets(launch.network.runner, resolvers())),
    interfaces: interfaces(),
    routes: [...routes('/proc/net/route', 0, 1), ...routes('/proc/net/ipv6_route', -1, 0)],
    status: new Map(
      lines('/proc/self/status').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    ),
    limits: new Map(
      lines('/proc/self/limits').flatMap((line): [string, string][] => {
        const [, field, hard] = /^(\S+(?: \S+)*)\s{2,}\S+\s+(\S+)/.exec(line) ?? [];
        return field === undefined || hard === undefined ? [] : [[field, hard]];
      }),
    ),
    mounts: lines('/proc/self/mountinfo').map(mount),
    rootWritable: ROOT_FILES.find(canCreate) ?? null,
    kernelWritable: [
      ...KERNEL_FILES.filter((file) => canOpen(file, 'r+')),
      ...KERNEL_SECRETS.filter((file) => canOpen(file, 'r')),
    ],
    engineSockets: ENGINE_SOCKETS.filter((socket) => existsSync(socket)),
    runSockets: socketsBelow(dirname(launch.link_socket)),
    environment: process.env,
  };
}

function socketsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isSocket())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}

/** The name servers that the container is told of. */
function resolvers(): string[] {
  if (!existsSync('/etc/resolv.conf')) return [];
  return lines('/etc/resolv.conf').flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}

/** From two places: a sandbox's own kernel may have only one of them. */
function interfaces(): string[] {
  const devices = lines('/proc/net/dev').slice(2);
  const names = devices.map((line) => line.slice(0, line.indexOf(':')).trim());
  if (existsSync('/sys/class/net')) names.push(...readdirSync('/sys/class/net'));
  return [...new Set(names)];
}

/** @param at the device's column, from the end when negative @param header lines at the top that are no routes */
function routes(file: string, at: number, header: number): SealFacts['routes'] {
  if (!existsSync(file)) return [];
  return lines(file)
    .slice(header)
    .map((line) => ({ device: line.trim().split(/\s+/).at(at) ?? '' }));
}

/** A line is `36 35 98:0 /root /mount/point ro,noatime …`, with spaces in names as `\040`. */
function mount(line: string): Mount {
  const [, , , , point = '', options = ''] = line.split(' ');
  return {
    point: point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    readOnly: options.split(',').includes('ro'),
  };
}

function canCreate(file: string): boolean {
  try {
    const opened = openSync(file, 'wx');
    writeSync(opened, 'x');
    closeSync(opened);
    unlinkSync(file);
    return true;
  } catch {
    // Whatever the error is: no file was created.
    return false;
  }
}

function canOpen(file: string, flags: 'r' | 'r+'): boolean {
  try {
    closeSync(openSync(file, flags));
    return true;
  } catch {
    return false;
  }
}
