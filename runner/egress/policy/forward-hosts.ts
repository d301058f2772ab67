import type { Forward } from './policy.ts';

/** A forward and its address on the container's loopback interface. */
export interface AddressedForward extends Forward {
  address: string;
}

/** Gives each host name its own loopback address, so that two hosts with the same port stay distinct. */
export function addressForwards(forwards: readonly Forward[]): AddressedForward[] {
  const hosts = [...new Set(forwards.map(({ host }) => host))];
  return forwards.map((forward) => {
    const number = hosts.indexOf(forward.host) + 1;
    return { ...forward, address: `127.77.${number >> 8}.${number & 0xff}` };
  });
}

/** The container's `/etc/resolv.conf`. */
export const RESOLVER = '# There is no name service in here: the proxy resolves names.\n';

/**
 * The container's `/etc/hosts`: its own names and its forwards. The container has no other name service, but for
 * `*.localhost`, which no such file can have (`container/Dockerfile`).
 */
export function hostsFile(forwards: readonly AddressedForward[]): string {
  const names = new Map(forwards.map(({ host, address }) => [host, address]));
  const lines = ['127.0.0.1 localhost localhost.localdomain session', '::1 localhost ip6-localhost ip6-loopback'];
  for (const [host, address] of names) lines.push(`${address} ${host}`);
  return `${lines.join('\n')}\n`;
}
