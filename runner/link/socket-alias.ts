import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { STREAMS_SOCKET } from '../../protocol/link/tunnel/streams.ts';

/** Longest socket path that every kernel accepts, bytes (macOS: 104 with the terminating zero; Linux: 108). */
const MAX_SOCKET_PATH = 103;

/** Length of the longest socket name in a run folder, bytes. */
const LONGEST_NAME = `/${STREAMS_SOCKET}`.length;

/**
 * Short names for run folders in which socket paths would be too long. They are links in a folder that only the runner may
 * enter.
 */
export interface SocketAliases {
  /** The folder itself when its socket paths are short enough, else a link to it. `release` removes the link. */
  for(folder: string): Promise<{ path: string; release(): Promise<void> }>;
  close(): Promise<void>;
}

export function socketAliases(): SocketAliases {
  // mkdtemp makes it with mode 0700, and fails rather than use a folder that exists.
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
