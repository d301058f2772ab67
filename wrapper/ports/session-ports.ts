import { readFileSync } from 'node:fs';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { listeners, type Listener } from './listeners.ts';
import { markOf, SESSION_MARK } from './session-mark.ts';
import { ownersOf, ownSockets } from './socket-owners.ts';

/** A port that the session's own servers listen on. */
export interface OpenPort {
  readonly port: number;
  /** What listens, if it is known. */
  readonly process: string | undefined;
}

interface Judged {
  readonly isOfSession: boolean;
  readonly process: string | undefined;
}

/**
 * The ports of a session's servers. In a container, that is all that listens there, but what the wrapper itself listens on (the
 * proxy's port, the collector's). Without a container, the machine has many others: there, only sockets of the session's own processes.
 */
export class SessionPorts {
  readonly #isContainer: boolean;
  readonly #mark: string;
  /** Of the sockets that were there at the last look: to find a socket's process, all of `/proc` has to be read. */
  #judged: ReadonlyMap<string, Judged> = new Map();

  /** @param seal the session is alone in a container */
  constructor(launch: Pick<WrapperLaunch, 'session_id' | 'spare' | 'seal'>) {
    this.#isContainer = launch.seal;
    this.#mark = `${SESSION_MARK}=${markOf(launch)}`;
  }

  /** Those that are open now. */
  open(): OpenPort[] {
    const found = new Map<number, OpenPort>();
    const all = listeners();
    const judged = this.#judge(all);
    this.#judged = judged;
    for (const { port, inode } of all) {
      const { isOfSession = false, process } = judged.get(inode) ?? {};
      if (isOfSession && !found.has(port)) found.set(port, { port, process });
    }
    return [...found.values()];
  }

  /** Whether somebody who looks at the session may be let in at a port: whatever would answer there is the session's own. */
  mayReach(port: number): boolean {
    // All of them: which one answers is the kernel's affair. If nothing listens, the dial finds that out.
    const there = listeners().filter((listener) => listener.port === port);
    const judged = this.#judge(there);
    return there.every(({ inode }) => judged.get(inode)?.isOfSession === true);
  }

  #judge(all: readonly Listener[]): Map<string, Judged> {
    if (all.length === 0) return new Map();
    const fresh = all.filter(({ inode }) => !this.#judged.has(inode)).map(({ inode }) => inode);
    const owners = fresh.length === 0 ? null : ownersOf(new Set(fresh), (pid) => this.#isContainer || this.#began(pid));
    const own = fresh.length === 0 ? null : ownSockets();
    return new Map(
      all.map(({ inode }) => {
        const before = this.#judged.get(inode);
        if (before !== undefined) return [inode, before];
        const owner = owners?.get(inode);
        const isOfSession = own?.has(inode) !== true && (this.#isContainer || owner !== undefined);
        return [inode, { isOfSession, process: owner?.name === '' ? undefined : owner?.name }];
      }),
    );
  }

  /** Whether a process was begun in the session, however far down. */
  #began(pid: string): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(this.#mark);
    } catch {
      // Gone by now, or another user's: not one of ours.
      return false;
    }
  }
}
