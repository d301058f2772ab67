import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Longest socket path that every kernel takes, bytes (macOS: 104 with the terminating zero; Linux: 108). */
export const MAX_SOCKET_PATH = 103;

/** Room for the longest name of a socket in a run folder. */
const LONGEST_NAME = '/model.sock'.length;

/**
 * Short names for run folders whose sockets would have too long a path, as links in a folder of the runner's own
 * that nobody else may enter.
 */
export interface SocketAliases {
  /** The folder itself when its sockets' paths fit, else a link to it. `release` takes the link away. */
  for(folder: string): Promise<{ path: string; release(): Promise<void> }>;
  close(): Promise<void>;
}

export function socketAliases(): SocketAliases {
  // mkdtemp makes it 0700, and fails rather than take a folder that is there.
  let base: Promise<string> | undefined;
  return {
    for: async (folder) => {
      if (Buffer.byteLength(folder) + LONGEST_NAME <= MAX_SOCKET_PATH) return { path: folder, release: async () => {} };
      base ??= mkdtemp(path.join(os.tmpdir(), 'ccd-'));
      const link = path.join(await base, randomBytes(6).toString('hex'));
      await symlink(folder, link);
      return { path: link, release: () => rm(link, { force: true }) };
    },
    close: async () => {
      if (base !== undefined) await rm(await base, { recursive: true, force: true });
    },
  };
}
