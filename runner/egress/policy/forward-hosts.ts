import type { Forward } from './policy.ts';

/** A forward and the address on the container's loopback under which tools find it. */
export interface AddressedForward extends Forward {
  address: string;
}

/** Each host name gets a loopback address of its own, so that two databases on one port are two. */
export function addressForwards(forwards: readonly Forward[]): AddressedForward[] {
  const hosts = [...new Set(forwards.map(({ host }) => host))];
  return forwards.map((forward) => {
    const number = hosts.indexOf(forward.host) + 1;
    return { ...forward, address: `127.77.${number >> 8}.${number & 0xff}` };
  });
}

/** The container's `/etc/resolv.conf`. */
export const RESOLVER = '# There is no name service in here: the proxy resolves names.\n';

/** The container's `/etc/hosts`: itself, and the names of its forwards. There is no other name service in there. */
export function hostsFile(forwards: readonly AddressedForward[]): string {
  const names = new Map(forwards.map(({ host, address }) => [host, address]));
  const lines = ['127.0.0.1 localhost session', '::1 localhost ip6-localhost ip6-loopback'];
  for (const [host, address] of names) lines.push(`${address} ${host}`);
  return `${lines.join('\n')}\n`;
}
