import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { epoch, uuid } from '../../protocol/ids.ts';
import { networkConfig, resources, secretName } from '../../protocol/api/session/session-config.ts';
import { STREAMS_FOLDER } from '../../protocol/link/tunnel/streams.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { removeFolder } from './disk/remove-folder.ts';

/** Unix user and group that own a session's files: those of the container's processes, where they are not the runner's own. */
export interface Owner {
  uid: number;
  gid: number;
}

/** A session's folders on the runner's machine, as absolute paths. `root` holds the others; only the runner may enter it. */
export interface SessionFolders {
  root: string;
  workspace: string;
  claude: string;
  run: string;
  /** The home of the container's user. It stays here when the container ends, and is in no snapshot. */
  home: string;
  /** Temporary files of one container, which go with it. */
  tmp: string;
}

export function sessionFolders(sessions: string, sessionId: string): SessionFolders {
  const root = path.join(sessions, sessionId);
  return {
    root,
    workspace: path.join(root, 'workspace'),
    claude: path.join(root, 'claude'),
    run: path.join(root, 'run'),
    home: path.join(root, 'home'),
    tmp: path.join(root, 'tmp'),
  };
}

/** The folders that the session's container uses. The workspace may be another session's. */
export function containerFolders(sessions: string, sessionId: string, workspaceOf: string | undefined): SessionFolders {
  const own = sessionFolders(sessions, sessionId);
  return workspaceOf === undefined ? own : { ...own, workspace: sessionFolders(sessions, workspaceOf).workspace };
}

/** Makes what is missing. The container's user can only read `run`, and owns the others. */
export async function makeSessionFolders(folders: SessionFolders, owner: Owner | undefined): Promise<void> {
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  await Promise.all([
    mkdir(path.join(folders.run, STREAMS_FOLDER), { recursive: true, mode: 0o755 }),
    ...[folders.workspace, folders.claude, folders.home, folders.tmp].map(async (folder) => {
      const made = await mkdir(folder, { recursive: true, mode: 0o700 });
      if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
      // As a folder for temporary files is everywhere. Others than the runner do not get this far: see `root`.
      if (folder === folders.tmp && made !== undefined) await chmod(folder, 0o1777);
    }),
  ]);
}

/** Removes what a container has left in its folder for temporary files. The next one gets a new folder. */
export async function removeTemporary(folders: SessionFolders): Promise<void> {
  const names = await readdir(folders.tmp).catch(absent);
  if (names !== undefined && names.length > 0) await removeFolder(folders.tmp);
}

export async function removeSessionFolders(folders: SessionFolders): Promise<void> {
  await removeFolder(folders.root);
}

export const LAUNCH_FILE = 'launch.json';

/**
 * Puts `launch.json` into the run folder, readable by the container's user alone.
 *
 * @param name of another file that has its form
 */
export async function writeLaunchFile(
  folders: SessionFolders,
  owner: Owner | undefined,
  launch: WrapperLaunch,
  name = LAUNCH_FILE,
): Promise<void> {
  const file = path.join(folders.run, name);
  const temporary = `${file}.new`;
  // Always a new file: the last one belongs to the container's user, and writing to it would keep its mode.
  await rm(temporary, { force: true });
  await writeFile(temporary, JSON.stringify(launch), { mode: 0o600, flag: 'wx' });
  if (owner !== undefined) await chown(temporary, owner.uid, owner.gid);
  // Whole or not at all: a spare's wrapper looks for it at any time.
  await rename(temporary, file);
}

/** Puts a file into the run folder that everyone may read, and so the container's user. */
export async function writeRunFile(folders: SessionFolders, name: string, content: string | Buffer): Promise<void> {
  const file = path.join(folders.run, name);
  await rm(file, { force: true });
  await writeFile(file, content, { mode: 0o644, flag: 'wx' });
}

/**
 * Whether Claude Code left a transcript of this session. The launch's own `resume` cannot know that. A container may have
 * died before it wrote the first line (then `--resume` fails) or after it (then a used `--session-id` exits with 1).
 */
export async function hasTranscript(folders: SessionFolders, conversationId: string): Promise<boolean> {
  const projects = path.join(folders.claude, 'projects');
  const names = await readdir(projects).catch(absent);
  for (const name of names ?? []) {
    const found = await stat(path.join(projects, name, `${conversationId}.jsonl`)).catch(absent);
    if (found !== undefined && found.isFile() && found.size > 0) return true;
  }
  return false;
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined;
  throw error;
}

/** What the runner needs to adopt a container that an earlier runner process started. The container cannot see this file. */
const placement = z.object({
  epoch,
  token: z.string(),
  /** The container's limits; null: none. */
  resources: resources.nullable().default(null),
  /** What its egress was made from. */
  network: networkConfig.optional(),
  secrets: z.array(secretName).default([]),
  /** The session in whose workspace it works; absent: its own. */
  workspace_of: uuid.optional(),
});
export type Placement = z.infer<typeof placement>;

const placementFile = (folders: SessionFolders) => path.join(folders.root, 'placement.json');

export async function writePlacement(folders: SessionFolders, value: Placement): Promise<void> {
  await writeFile(placementFile(folders), JSON.stringify(value), { mode: 0o600 });
}

export async function readPlacement(folders: SessionFolders): Promise<Placement | undefined> {
  const text = await readFile(placementFile(folders), 'utf8').catch(absent);
  if (text === undefined) return undefined;
  try {
    return placement.safeParse(JSON.parse(text)).data;
  } catch {
    // A crash cut it short: as if there were none.
    return undefined;
  }
}
