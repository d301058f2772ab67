import { MAX_ARTIFACT_BYTES, type SharedFile } from '../../../protocol/api/files/artifact.ts';
import type { FilesRefusalCode } from '../../../protocol/api/files/files.ts';
import { parseAgentPath } from '../../files/paths/artifact-path.ts';
import { withHandle, lstatEntry, openFolderAt, describeEntry, entryPath } from '../../files/paths/safe-path.ts';
import { displayPath, textOf, type ByteName } from '../../files/paths/byte-name.ts';
import { FilesRefused, refusedBy } from '../../files/paths/refused.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { BlockWriter } from '../format/block-writer.ts';
import { Aborted } from './aborted.ts';
import { withLease } from './lease.ts';
import { ManifestWriter } from '../format/manifest.ts';
import { readFile, type ReadResult } from './read-file.ts';
import { artifactEntry } from '../restore/read-artifact.ts';
import { discard } from './save-snapshot.ts';
import { treeKey } from '../format/storage-keys.ts';
import { KEPT_MODE } from '../../files/paths/tree-entry.ts';
import { ownerUsage } from './usage.ts';

export interface ShareInput {
  /** The owner, 64 hex digits. Selects the part of the storage. */
  owner: string;
  artifact_id: string;
  /** The workspace's folder, absolute. The path is trusted; the content is not. */
  workspace: string;
  /** The path as the agent wrote it. */
  path: string;
  quota_bytes: number | null;
}

export type SavedArtifact =
  | { ok: true; file: Omit<SharedFile, 'storage'> }
  | { ok: false; why: FilesRefusalCode; detail: string };

/**
 * Stores a consistent copy of one file as its own tree. The manifest is put last, so the artifact exists completely or not at
 * all. An existing artifact is not stored again.
 *
 * @param checkAborted throws `Aborted` if the job was aborted
 */
export async function saveArtifact(
  store: ObjectStore,
  input: ShareInput,
  checkAborted: () => void,
): Promise<SavedArtifact> {
  const { owner, artifact_id } = input;
  try {
    const names = parseAgentPath(input.path, input.workspace);
    const existing = await artifactEntry(store, owner, artifact_id);
    if (existing !== null)
      return {
        ok: true,
        file: { path: pathOf(names), bytes: existing.size, sha256: existing.sha256, owner_bytes: null },
      };
    const file = await withLease(store, owner, artifact_id, (checkLease) =>
      save(store, input, names, { checkAborted, checkLease }),
    );
    return { ok: true, file };
  } catch (error) {
    if (error instanceof FilesRefused) return { ok: false, why: error.refusal.code, detail: error.refusal.detail };
    if (error instanceof StorageUnavailable) return { ok: false, why: 'storage_unavailable', detail: messageOf(error) };
    if (error instanceof Aborted) return { ok: false, why: 'files_unavailable', detail: 'The runner is ending.' };
    throw error;
  }
}

async function save(
  store: ObjectStore,
  { owner, artifact_id, workspace, quota_bytes }: ShareInput,
  names: ByteName[],
  { checkAborted, checkLease }: { checkAborted: () => void; checkLease: () => void },
): Promise<Omit<SharedFile, 'storage'>> {
  const name = names.at(-1);
  if (name === undefined) throw new FilesRefused('not_a_file', `The workspace is a folder. ${ONE_FILE}`);
  const before = await ownerUsage(store, owner);
  let added = 0;
  const budget = (bytes: number): void => {
    added += bytes;
    if (quota_bytes !== null && before + added > quota_bytes) throw overQuota(before, quota_bytes);
  };
  const { stats, sha256, manifest } = await withHandle(
    await openFolderAt(workspace, names.slice(0, -1)),
    async (parent) => {
      const seen = await lstatEntry(parent, name).catch((error: unknown) => {
        throw refusedBy(error, displayPath(names));
      });
      if (!seen.isFile()) {
        const hint = seen.isDirectory() ? ` ${ONE_FILE}` : '';
        throw new FilesRefused('not_a_file', `${await describeEntry(parent, names)}${hint}`);
      }
      const writer = new BlockWriter({ store, owner, base: null, budget });
      try {
        const read = await readFile(entryPath(parent, name), writer, () => undefined, MAX_ARTIFACT_BYTES);
        if (!read.ok) throw unreadable(names, read);
        const { content } = read;
        const { mode, mtimeMs, size } = content.stats;
        const list = new ManifestWriter();
        const { start, blocks } = content;
        list.add(['f', name, mode & KEPT_MODE, Math.round(mtimeMs * 1000), size, content.sha256, start, blocks, 0]);
        const made = list.finish({ files: 1, bytes: size, ...(await writer.finish()) });
        budget(made.length);
        checkAborted();
        checkLease();
        return { stats: content.stats, sha256: content.sha256, manifest: made };
      } catch (error) {
        await discard(store, [writer]);
        throw refusedBy(error, displayPath(names));
      }
    },
  );
  await store.put(treeKey(owner, { snapshot_id: artifact_id, tree: 'artifact' }), manifest);
  return {
    path: pathOf(names),
    bytes: stats.size,
    sha256: Buffer.from(sha256, 'base64url').toString('hex'),
    owner_bytes: before + added,
  };
}

const ONE_FILE = 'An artifact is one file: pack a folder into an archive, and share that.';

const CODES = {
  not_a_file: 'not_a_file',
  sparse: 'artifact_too_large',
  too_large: 'artifact_too_large',
  changing: 'file_busy',
} as const;

function unreadable(names: readonly ByteName[], { what, why }: Extract<ReadResult, { ok: false }>): FilesRefused {
  const advice = what === 'changing' ? ' Share it once nothing writes to it.' : '';
  return new FilesRefused(CODES[what], `${displayPath(names)} ${why}.${advice}`);
}

function overQuota(before: number, quota: number): FilesRefused {
  const detail = `The storage quota of ${mb(quota)} does not suffice: ${mb(before)} are taken. Tell the person whom you work for: they can delete what they need no longer, or ask the operator for more.`;
  return new FilesRefused('quota_exceeded', detail);
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const pathOf = (names: readonly ByteName[]) => textOf(names.join('/'));
