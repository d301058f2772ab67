import { dirname } from 'node:path';
import type { BuildLaunch } from '../../protocol/link/environment/build-launch.ts';
import type { SealFacts } from './seal-facts.ts';
import { CAPABILITY_SETS, HOST_KERNEL, PROBES, type Probe } from './seal.ts';

/** What a build container has in common with a session's. It is root, and its own root can be written to. */
const { network, no_new_privileges, seccomp, mounts, kernel_files, sockets } = PROBES;
const SAME: Readonly<Record<string, Probe>> = {
  network,
  no_new_privileges,
  seccomp,
  mounts,
  kernel_files,
  sockets,
};

/** What does not hold of a build container's seal; undefined: all holds. Pure. */
export function judgeBuildSeal(facts: SealFacts, launch: BuildLaunch): string | undefined {
  const run = dirname(launch.egress.socket);
  const probed = { cwd: run, link_socket: launch.egress.socket, env: {} };
  const broken = Object.entries(SAME)
    .filter(([name]) => launch.own_kernel !== true || !HOST_KERNEL.includes(name))
    .map(([name, judge]) => [name, judge(facts, probed)] as const)
    .concat([['capabilities', moreThan(BigInt(`0x${launch.capabilities}`), facts)]])
    .flatMap(([name, detail]) => (detail === undefined ? [] : [`${name}: ${detail}`]));
  return broken.length === 0 ? undefined : broken.join('; ').slice(0, 1024);
}

function moreThan(allowed: bigint, { status }: SealFacts): string | undefined {
  const held = CAPABILITY_SETS.filter((name) => {
    const bits = status.get(name);
    return bits === undefined || (BigInt(`0x${bits}`) & ~allowed) !== 0n;
  });
  return held.length === 0 ? undefined : held.map((name) => `${name} is ${status.get(name) ?? 'unknown'}`).join(', ');
}
