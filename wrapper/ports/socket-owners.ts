import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process with sockets. */
interface Owner {
  /** As the kernel knows it: at most 15 characters. */
  readonly name: string;
}

/**
 * Which process has each of these sockets, as far as this user may see.
 *
 * @param inodes of the sockets
 * @param isAsked only processes for which it is true are looked at
 */
export function ownersOf(inodes: ReadonlySet<string>, isAsked: (pid: string) => boolean): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  for (const pid of numbersIn('/proc')) {
    if (owners.size === inodes.size) break;
    if (!isAsked(pid)) continue;
    for (const inode of socketsOf(pid)) {
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, { name: nameOf(pid) });
    }
  }
  return owners;
}

/** The sockets that this very process has. */
export function ownSockets(): ReadonlySet<string> {
  return new Set(socketsOf('self'));
}

function socketsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return numbersIn(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function numbersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    // Gone by now, or another user's.
    return [];
  }
}
