import { readFileSync } from 'node:fs';

/** A TCP socket that listens, as the kernel lists it. */
export interface Listener {
  readonly port: number;
  /** Of loopback alone, or of every address. Sockets of other addresses are left out: nobody is let in there. */
  readonly address: '127.0.0.1' | '::1' | '0.0.0.0' | '::';
  /** Says which process has it. */
  readonly inode: string;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** The state of a socket that listens. */
const LISTEN = '0A';
/** The addresses as the tables write them: words of the machine's own byte order, which is little-endian on all that we run on. */
const ADDRESSES: ReadonlyMap<string, Listener['address']> = new Map([
  ['00000000', '0.0.0.0'],
  ['0100007F', '127.0.0.1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000001000000', '::1'],
]);

/** All sockets of this network namespace that listen where its own loopback reaches them. Empty where the kernel shows none. */
export function listeners(read: (file: string) => string = readTable): Listener[] {
  return TABLES.flatMap((file) => parse(read(file)));
}

function parse(table: string): Listener[] {
  // A machine has thousands of connections, and few sockets that listen.
  const lines = table.split('\n').filter((line) => line.includes(` ${LISTEN} `));
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [host = '', port = ''] = local.split(':');
    const address = ADDRESSES.get(host);
    return state !== LISTEN || address === undefined ? [] : [{ port: Number.parseInt(port, 16), address, inode }];
  });
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // No IPv6, or no such files (not Linux): nothing listens that we could know of.
    return '';
  }
}
