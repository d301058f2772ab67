import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeBackup } from '../start/backup/backup.ts';
import { storageElsewhere } from '../start/backup/storage-elsewhere.ts';
import { restoreBackup } from '../start/backup/restore.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { shownPath } from '../start/lib/project.ts';
import { loadEnvironment, parseSettings } from '../start/settings/settings.ts';

const HELP = `npm run backup -- FOLDER [--pause SECONDS] [--without-storage]
npm run restore -- FOLDER [--overwrite]

backup copies the data folder (CC_DOCKER_DATA) of a service, while it runs, into a new folder: the edge's state of one
moment, for which the edge stands still, and the runner's storage and sessions.
restore brings it back, while nothing runs.

  --pause SECONDS   the edge may stand still for so long (default 20)
  --without-storage snapshots and artifacts are on an S3, or in another folder (STORAGE_FOLDER): they are not in it
  --overwrite       what the data folder has is put aside
  --help            this text`;

const MB = 1024 * 1024;

type Command =
  | { run: 'help' }
  | { run: 'backup'; folder: string; pauseSeconds: number; withoutStorage: boolean }
  | { run: 'restore'; folder: string; overwrite: boolean };

function parseCommand(): Command | Refused {
  const [verb, ...args] = process.argv.slice(2);
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        pause: { type: 'string', default: '20' },
        overwrite: { type: 'boolean', default: false },
        'without-storage': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [folder] = positionals;
    if (values.help) return { run: 'help' };
    if (folder === undefined || positionals.length > 1) return { refused: 'name one folder' };
    if (verb === 'restore') return { run: 'restore', folder, overwrite: values.overwrite };
    if (!/^\d{1,4}(\.\d{1,3})?$/.test(values.pause))
      return { refused: '--pause must be a number of seconds, such as 20' };
    const withoutStorage = values['without-storage'];
    return { run: 'backup', folder, pauseSeconds: Number(values.pause), withoutStorage };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

const notCopied = (elsewhere: string): Refused => ({
  refused: `snapshots and artifacts are in ${elsewhere}, which a backup does not copy: copy that with its own tools after the backup, and make the backup with --without-storage`,
});

const counted = (objects: Readonly<Record<string, number>>): string => {
  const all = Object.values(objects).reduce((sum, count) => sum + count, 0);
  return `${objects['Session'] ?? 0} sessions (${all} objects)`;
};

async function run(command: Command): Promise<Refused | undefined> {
  if (command.run === 'help') {
    console.log(HELP);
    return undefined;
  }
  const env = loadEnvironment();
  if (isRefused(env)) return env;
  const settings = parseSettings(env);
  if (isRefused(settings)) return settings;
  const { dataFolder } = settings;
  if (command.run === 'backup') {
    const storage = storageElsewhere(env, dataFolder);
    if (isRefused(storage)) return storage;
    const { place: elsewhere } = storage;
    if (elsewhere !== null && !command.withoutStorage) return notCopied(elsewhere);
    const longestPauseMs = command.pauseSeconds * 1000;
    const made = await makeBackup({ dataFolder, to: command.folder, longestPauseMs, storageElsewhere: elsewhere });
    if (isRefused(made)) return made;
    const { objects, files, bytes, paused_ms, made_at, skipped } = made;
    console.log(
      `${counted(objects)} as of ${made_at}, ${files} files, ${Math.ceil(bytes / MB)} MB, in ${command.folder}`,
    );
    console.log(paused_ms === 0 ? 'The edge did not run.' : `The edge stood still for ${paused_ms} ms.`);
    if (elsewhere !== null) console.log(`Snapshots and artifacts are not in it. Copy ${elsewhere} now.`);
    else if (!existsSync(path.join(command.folder, 'runner', 'storage')))
      console.log('There is no runner’s storage in this data folder: what runners keep elsewhere is not in it.');
    if (skipped.length > 0)
      console.log(`Not readable, so not in it: ${skipped.length} files of sessions (backup.json has their names).`);
    return undefined;
  }
  const restored = restoreBackup({ from: command.folder, dataFolder, overwrite: command.overwrite });
  if (isRefused(restored)) return restored;
  console.log(
    `${counted(restored.manifest.objects)} as of ${restored.manifest.made_at} are in ${shownPath(dataFolder)}`,
  );
  const { storage_elsewhere: elsewhere, made_at } = restored.manifest;
  if (elsewhere !== null)
    console.log(`Snapshots and artifacts are not in it: ${elsewhere} has to have what it had after ${made_at}.`);
  for (const folder of restored.aside) console.log(`What was there before is now ${shownPath(folder)}.`);
  return undefined;
}

const command = parseCommand();
const refused = isRefused(command) ? command : await run(command);
if (refused !== undefined) {
  console.error(refused.refused);
  process.exitCode = 1;
}
