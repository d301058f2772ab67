import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { epoch, uuid } from '../../protocol/ids.ts';
import { networkConfig, resources, secretName } from '../../protocol/api/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { Owner } from '../backend/backend.ts';
import { removeFolder } from './remove-folder.ts';

/** A session's folders on the runner's machine, absolute. `root` holds the others and is the runner's alone. */
export interface SessionFolders {
  root: string;
  workspace: string;
  claude: string;
  run: string;
}

export function sessionFolders(sessions: string, sessionId: string): SessionFolders {
  const root = path.join(sessions, sessionId);
  return {
    root,
    workspace: path.join(root, 'workspace'),
    claude: path.join(root, 'claude'),
    run: path.join(root, 'run'),
  };
}

/** As its container has them: the workspace may be another session's. */
export function containerFolders(sessions: string, sessionId: string, workspaceOf: string | undefined): SessionFolders {
  const own = sessionFolders(sessions, sessionId);
  return workspaceOf === undefined ? own : { ...own, workspace: sessionFolders(sessions, workspaceOf).workspace };
}

/** Makes what is missing. `workspace` and `claude` are given to the container's user; `run` is only shown to it. */
export async function makeSessionFolders(folders: SessionFolders, owner: Owner | undefined): Promise<void> {
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  await Promise.all([
    mkdir(folders.run, { recursive: true, mode: 0o755 }),
    ...[folders.workspace, folders.claude].map(async (folder) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
    }),
  ]);
}

export async function removeSessionFolders(folders: SessionFolders): Promise<void> {
  await removeFolder(folders.root);
}

/** Puts `launch.json` into the run folder, readable by the container's user alone. */
export async function writeLaunchFile(
  folders: SessionFolders,
  owner: Owner | undefined,
  launch: WrapperLaunch,
): Promise<void> {
  const file = path.join(folders.run, 'launch.json');
  // Anew each time: the last one belongs to the container's user, and its mode would stay.
  await rm(file, { force: true });
  await writeFile(file, JSON.stringify(launch), { mode: 0o600, flag: 'wx' });
  if (owner !== undefined) await chown(file, owner.uid, owner.gid);
}

/** Puts a file into the run folder that anyone may read, the container's user first of all. */
export async function writeRunFile(folders: SessionFolders, name: string, content: string): Promise<void> {
  const file = path.join(folders.run, name);
  await rm(file, { force: true });
  await writeFile(file, content, { mode: 0o644, flag: 'wx' });
}

/**
 * Whether Claude Code left a transcript of this session. A launch's own `resume` cannot know: a container may have
 * died before it wrote its first line (`--resume` would fail) or after (a used `--session-id` exits 1).
 */
export async function hasTranscript(folders: SessionFolders, sessionId: string): Promise<boolean> {
  const projects = path.join(folders.claude, 'projects');
  const names = await readdir(projects).catch(absent);
  for (const name of names ?? []) {
    const found = await stat(path.join(projects, name, `${sessionId}.jsonl`)).catch(absent);
    if (found !== undefined && found.isFile() && found.size > 0) return true;
  }
  return false;
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined;
  throw error;
}

/** What the runner needs to take up a container that an earlier runner process started. Outside what it mounts. */
const placement = z.object({
  epoch,
  token: z.string(),
  /** Its limits; null: none. */
  resources: resources.nullable().default(null),
  /** What its way out was made from. */
  network: networkConfig.optional(),
  secrets: z.array(secretName).default([]),
  /** The session whose workspace it works in; absent: its own. */
  workspace_of: uuid.optional(),
});
export type Placement = z.infer<typeof placement>;

const placementFile = (folders: SessionFolders) => path.join(folders.root, 'placement.json');

export async function writePlacement(folders: SessionFolders, kept: Placement): Promise<void> {
  await writeFile(placementFile(folders), JSON.stringify(kept), { mode: 0o600 });
}

export async function readPlacement(folders: SessionFolders): Promise<Placement | undefined> {
  const text = await readFile(placementFile(folders), 'utf8').catch(absent);
  if (text === undefined) return undefined;
  try {
    return placement.safeParse(JSON.parse(text)).data;
  } catch {
    // Cut short by a crash: as good as none.
    return undefined;
  }
}
