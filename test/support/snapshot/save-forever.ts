import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { saveSnapshot } from '../../../runner/snapshot/save/save-snapshot.ts';
import { FolderStore } from '../../../runner/storage/folder-store.ts';

/**
 * A runner that saves a session over and over, until it is killed. It says what it does on stdout, a line each:
 * `node save-forever.ts STORAGE SESSION OWNER PACK_BYTES`. It is started often, so it imports nothing of the tests'.
 */

const [storage = '', session = '', owner = '', packBytes = ''] = process.argv.slice(2);
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
  writeFileSync(path.join(session, 'workspace', `large-${round % 12}`), randomBytes(1_000_000));
  const snapshot_id = randomUUID();
  const folders = { workspace: path.join(session, 'workspace'), conversation: path.join(session, 'claude') };
  const input = {
    owner,
    snapshot_id,
    ...folders,
    cache: path.join(session, 'cache'),
    base: null,
    quota_bytes: null,
    pack_bytes: Number(packBytes),
  };
  const saved = await saveSnapshot(store, input, () => {});
  if (!saved.ok) throw new Error(saved.detail);
  say(`stored ${snapshot_id}`);
}
