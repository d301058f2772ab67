import { readFileSync } from 'node:fs';
import path from 'node:path';

const FILE = path.join(import.meta.dirname, '..', '..', 'container', 'seccomp.json');

let read: string | undefined;

/**
 * The container's system calls, in Docker's own format, as one line: an allow-list that is a part of Docker's default one. What it leaves
 * out beside that: `ptrace` and its like (so no debuggers), io_uring, 32-bit programs, and every kind of socket but unix,
 * TCP, UDP and the netlink question for the list of network cards.
 */
export function seccompProfile(): string {
  read ??= JSON.stringify(JSON.parse(readFileSync(FILE, 'utf8')));
  return read;
}
