import { createReadStream, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { create } from 'tar';
import { CcDockerError, type Session, type UploadBody } from '../../../client/main.ts';
import type { Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { showProgress } from '../../output/progress.ts';
import type { Copied } from './download.ts';

/** Copies a file, or a folder with all that is in it, from this machine to a session. `from` `-`: from stdin. */
export async function upload(cli: Cli, session: Session, from: string, to: string): Promise<Copied> {
  const stats = from === '-' ? null : statOf(from);
  const target = await targetOf(session, from, to);
  const isFolder = stats?.isDirectory() === true;
  if (target === '' && !isFolder) throw new Failure('The file needs a name there', 'Such as: cp - last:notes.md');
  const total = stats === null || isFolder ? null : stats.size;
  const progress = showProgress(cli.stderr, from, total);
  let sent = 0;
  const options = {
    signal: cli.signal,
    onProgress: (now: { readonly sent: number }) => {
      sent = now.sent;
      progress.update(sent);
    },
  };
  try {
    if (isFolder) {
      const archive = create({ cwd: from, portable: true }, ['.']);
      await session.files.unpack(target, webStream(Readable.from(archive)), options);
    } else {
      const source = stats === null ? cli.stdin : createReadStream(from);
      const mode = stats !== null && (stats.mode & 0o100) !== 0 ? '0755' : undefined;
      await session.files.write(target, webStream(source), { ...options, mode });
    }
    return { path: target, bytes: sent };
  } finally {
    progress.end();
  }
}

function statOf(from: string): Stats {
  try {
    return statSync(from);
  } catch (error) {
    throw new Failure(`${from} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where it goes: into a folder that is there, or to that path. */
async function targetOf(session: Session, from: string, to: string): Promise<string> {
  const name = from === '-' ? '' : path.basename(path.resolve(from));
  if (to === '' || to.endsWith('/')) return to + name;
  try {
    for await (const _ of session.files.list(to)) break;
    return name === '' ? to : `${to}/${name}`;
  } catch (error) {
    if (error instanceof CcDockerError && ['not_a_directory', 'file_not_found'].includes(error.code)) return to;
    throw error;
  }
}

const webStream = (stream: Readable): UploadBody => Readable.toWeb(stream) as ReadableStream<Uint8Array>;
