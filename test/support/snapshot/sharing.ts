import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readArtifact } from '../../../runner/snapshot/restore/read-artifact.ts';
import { saveArtifact, type ShareInput } from '../../../runner/snapshot/save/save-artifact.ts';
import type { ObjectStore } from '../../../runner/storage/object-store.ts';
import { scratch } from '../scratch.ts';
import { MemoryStore } from './memory-store.ts';
import { goOn, OWNER } from './session.ts';

/** A workspace whose files are shared into one storage. */
export function sharingInto(store: ObjectStore, workspace = scratch()) {
  const share = async (at: string, more: Partial<ShareInput> = {}) => {
    const artifact_id = randomUUID();
    const input: ShareInput = { owner: OWNER, artifact_id, workspace, path: at, quota_bytes: null, ...more };
    return { id: input.artifact_id, saved: await saveArtifact(store, input, goOn) };
  };
  const read = async (id: string, range: string | null = null) => {
    const answer = await readArtifact(store, OWNER, id, range);
    if (!answer.ok) return { refusal: answer.refusal };
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    return { head: answer.head, bytes: Buffer.concat(chunks) };
  };
  const file = (name: string, content: string | Uint8Array) => writeFileSync(path.join(workspace, name), content);
  return { workspace, share, read, file };
}

/** The same with a storage in memory. */
export function sharing(workspace?: string) {
  const store = new MemoryStore();
  return { ...sharingInto(store, workspace), store };
}
