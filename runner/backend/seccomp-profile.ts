import { readFileSync } from 'node:fs';
import path from 'node:path';

const FILE = path.join(import.meta.dirname, '..', '..', 'container', 'seccomp.json');

let read: string | undefined;

/**
 * The system calls that a container may make, as one line in Docker's own format. The allow-list is a subset of Docker's
 * default. It also leaves out `ptrace` and the like (so no debuggers), io_uring, 32-bit programs, and all sockets except
 * unix, TCP, UDP and the netlink query for the list of network interfaces.
 */
export function seccompProfile(): string {
  read ??= JSON.stringify(JSON.parse(readFileSync(FILE, 'utf8')));
  return read;
}
