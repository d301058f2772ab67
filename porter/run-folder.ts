import { chown, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { extract } from 'tar-stream';
import { RUN_PATH } from '../protocol/link/porter.ts';
import { backoffMs } from '../runner/lib/backoff.ts';
import { messageOf, type Log } from '../runner/lib/log.ts';
import type { RunnerLine } from './runner-line.ts';

const BACKOFF = { minMs: 100, maxMs: 2_000 };

export interface RunFolderOptions {
  run: string;
  /** The session's, whose files they are. */
  user: { uid: number; gid: number };
  line: Pick<RunnerLine, 'stream'>;
  log: Log;
}

/** Fetches what the runner wrote for the session into its run folder. Tries again for as long as the runner is away. */
export async function fetchRunFolder(options: RunFolderOptions): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await fetchOnce(options);
    } catch (error) {
      options.log.warn('the run folder is not here yet', { problem: messageOf(error) });
    }
    await pause(backoffMs(attempt, BACKOFF, Math.random()));
  }
}

async function fetchOnce({ run, user, line }: RunFolderOptions): Promise<void> {
  const stream = line.stream(RUN_PATH);
  if (stream === undefined) throw new Error('there is no connection to the runner');
  stream.end();
  // They are small. Nothing is put in place before all of it is here.
  const files = await buffer(stream);
  if (stream.aborted || stream.rstCode !== 0) throw new Error('the runner closed the stream');
  for await (const entry of Readable.from([files]).pipe(extract())) {
    const { name, mode } = entry.header;
    if (path.basename(name) !== name) throw new Error('a file of the run folder has a path');
    const file = path.join(run, name);
    // Whole or not at all, and always new: the last one may be the session's, or have another mode.
    await writeFile(`${file}.new`, await buffer(entry), { mode });
    await chown(`${file}.new`, user.uid, user.gid);
    await rename(`${file}.new`, file);
  }
}
