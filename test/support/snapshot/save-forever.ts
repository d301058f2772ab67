import { randomUUID } from 'node:crypto';
import { writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { saveSnapshot } from '../../../runner/snapshot/save/save-snapshot.ts';
import { FolderStore } from '../../../runner/storage/folder-store.ts';
import { bytesOf } from './disk-tree.ts';
import { OWNER } from './session.ts';

/** A runner that saves a session over and over, until it is killed. It says what it does on stdout, a line each. */

const [storage = '', session = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

class TellingStore extends FolderStore {
  override async put(key: string, body: Uint8Array): Promise<void> {
    say('put');
    await super.put(key, body);
  }
}

const store = new TellingStore(storage);
await store.open();
for (let round = 0; ; round += 1) {
  writeFileSync(path.join(session, 'workspace', `large-${round % 12}`), bytesOf(4_000_000, Date.now() | 1));
  const snapshot_id = randomUUID();
  const folders = { workspace: path.join(session, 'workspace'), conversation: path.join(session, 'claude') };
  const input = {
    owner: OWNER,
    snapshot_id,
    ...folders,
    cache: path.join(session, 'cache'),
    base: null,
    quota_bytes: null,
  };
  const saved = await saveSnapshot(store, input, () => {});
  if (!saved.ok) throw new Error(saved.detail);
  say(`stored ${snapshot_id}`);
}
