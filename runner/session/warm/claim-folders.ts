import { mkdir, readdir, readFile, rename, rm, rmdir, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { uuid } from '../../../protocol/ids.ts';
import { SPARE_FILE, SPARE_SOCKET } from '../../../protocol/link/wrapper/spare.ts';
import { GROUP_FILE, HOSTS_FILE, PASSWD_FILE, RESOLVER_FILE } from '../../backend/container-spec.ts';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import { sessionFolders, type SessionFolders } from '../../lib/session-folders.ts';

/** The folders that a container works in. */
const FOLDERS = ['run', 'tmp', 'home', 'claude', 'workspace'] as const;
/** What the session's folder had is here while it is moved into the spare's. */
const ASIDE = '.before-claim';
/** Files of a run folder that are mounted by themselves: the container sees what is written into those that it began with. */
const MOUNTED = [HOSTS_FILE, RESOLVER_FILE, PASSWD_FILE, GROUP_FILE];
const JOURNAL = '.claim';

/** Beside the spare's folder: whose folders it takes the place of. */
const journalOf = ({ root }: SessionFolders) => `${root}${JOURNAL}`;
const discard = (file: string) => rm(file, { force: true });

/**
 * Puts a spare's folders in place of the session's, and what the session's had into them. At each moment, all that the session
 * had is in the session's folder: `finishClaims` ends what a crash has cut short.
 *
 * @param spare `root`'s name is the spare's id
 * @param keepsPaths the spare's paths go on leading to its files: what finds them there runs already
 */
export async function claimFolders(spare: SessionFolders, session: SessionFolders, keepsPaths: boolean): Promise<void> {
  const journal = journalOf(spare);
  await writeFile(journal, path.basename(session.root), { mode: 0o600 });
  await Promise.all(
    FOLDERS.map(async (name) => {
      const [from, to] = [spare[name], session[name]];
      // Claude Code takes no folder for temporary files that is behind a link.
      if (keepsPaths && (name === 'tmp' || name === 'home')) {
        await moveInto(to, from);
        return await symlink(from, to);
      }
      await rename(to, `${to}${ASIDE}`).catch(unlessMissing);
      await rename(from, to);
      if (keepsPaths) await symlink(to, from);
      await moveInto(`${to}${ASIDE}`, to);
    }),
  );
  // What the backend keeps there to find its process again.
  const kept = (await readdir(spare.root, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { name } of kept) await rename(path.join(spare.root, name), path.join(session.root, name));
  if (!keepsPaths) await rmdir(spare.root);
  await Promise.all([journal, ...[SPARE_FILE, SPARE_SOCKET].map((name) => path.join(session.run, name))].map(discard));
}

/** Ends an exchange that failed: the session has all that it had. The spare is gone. */
export async function giveUpClaim(spare: SessionFolders, session: SessionFolders): Promise<void> {
  await finishClaim(session);
  await discard(journalOf(spare));
}

/** Ends what an earlier runner process began. Its spares are gone; nothing runs in the folders. */
export async function finishClaims(spares: string, sessions: string): Promise<void> {
  const names = (await readdir(spares).catch(unlessMissing)) ?? [];
  for (const name of names.filter((one) => one.endsWith(JOURNAL))) {
    const journal = path.join(spares, name);
    const session = uuid.safeParse((await readFile(journal, 'utf8')).trim()).data;
    if (session !== undefined) await finishClaim(sessionFolders(sessions, session));
    await rm(journal);
  }
}

async function finishClaim(session: SessionFolders): Promise<void> {
  for (const name of FOLDERS) {
    const aside = `${session[name]}${ASIDE}`;
    if ((await readdir(aside).catch(unlessMissing)) === undefined) continue;
    // The spare's may not have come yet.
    await mkdir(session[name], { mode: 0o700 }).catch(unlessThere);
    await moveInto(aside, session[name]);
  }
}

/** Moves all entries, and removes the folder that they were in. What is there already gives way: of what is mounted by itself, its content. */
async function moveInto(from: string, to: string): Promise<void> {
  const names = (await readdir(from).catch(unlessMissing)) ?? [];
  const there = names.length === 0 ? [] : await readdir(to);
  for (const name of names) {
    const target = path.join(to, name);
    if (there.includes(name) && MOUNTED.includes(name)) {
      await writeFile(target, await readFile(path.join(from, name)), { flag: 'r+' });
      await truncate(target, (await stat(path.join(from, name))).size);
      await rm(path.join(from, name));
    } else {
      if (there.includes(name)) await removeFolder(target);
      await rename(path.join(from, name), target);
    }
  }
  await rmdir(from).catch(unlessMissing);
}

/** As undefined. */
function unlessMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
