import { createWriteStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { CcDockerError, type Session } from '../../../client/main.ts';
import type { Cli } from '../../lib/cli.ts';
import { Failure } from '../../lib/failure.ts';
import { showProgress } from '../../output/progress.ts';
import { staysWithin } from './safe-entry.ts';

/** What was copied: its path here, and its bytes. */
export interface Copied {
  readonly path: string;
  readonly bytes: number;
}

/** Copies a file, or a folder with all that is in it, from a session to this machine. `to` `-`: to stdout. */
export async function download(cli: Cli, session: Session, from: string, to: string): Promise<Copied> {
  const file = await fileOrNull(session, from);
  if (file !== null) {
    if (to === '-') return { path: '-', bytes: await receive(cli, file, cli.stdout, from, false) };
    const target = targetOf(from, to);
    const temporary = `${target}.${process.pid}.part`;
    try {
      const bytes = await receive(cli, file, createWriteStream(temporary, { flags: 'wx' }), from);
      await rename(temporary, target);
      return { path: target, bytes };
    } finally {
      await rm(temporary, { force: true });
    }
  }
  const archive = await session.files.pack(from);
  if (to === '-') return { path: '-', bytes: await receive(cli, archive, cli.stdout, from, false) };
  const target = targetOf(from, to);
  mkdirSync(target, { recursive: true });
  const leftOut: string[] = [];
  const unpack = extract({
    cwd: target,
    strict: true,
    filter: (_, entry) => {
      const { type, linkpath, path: name } = entry as { type: string; linkpath?: string; path: string };
      const stays = staysWithin({ type, linkpath, path: name });
      if (!stays) leftOut.push(name);
      return stays;
    },
  });
  const bytes = await receive(cli, archive, unpack as unknown as Writable, from);
  if (leftOut.length > 0)
    cli.err.line(`left out, because they lead outside: ${leftOut.slice(0, 5).join(', ')}`, 'yellow');
  return { path: target, bytes };
}

async function fileOrNull(session: Session, from: string): Promise<Response | null> {
  try {
    return from === '' ? null : await session.files.read(from);
  } catch (error) {
    if (error instanceof CcDockerError && error.code === 'not_a_file') return null;
    throw error;
  }
}

/** Where it goes: into a folder that is there, or to that path. */
function targetOf(from: string, to: string): string {
  const isFolder = existsSync(to) && statSync(to).isDirectory();
  if (!isFolder && to.endsWith('/')) throw new Failure(`There is no folder ${to}`, 'Make it, or leave the / out.');
  const name = path.posix.basename(from);
  return isFolder && name !== '' ? path.join(to, name) : to;
}

async function receive(cli: Cli, answer: Response, into: Writable, name: string, end = true): Promise<number> {
  const length = answer.headers.get('content-length');
  const progress = showProgress(cli.stderr, name, length === null ? null : Number(length));
  let done = 0;
  const counter = new Transform({
    transform: (chunk: Buffer, _, callback) => {
      done += chunk.byteLength;
      progress.update(done);
      callback(null, chunk);
    },
  });
  try {
    const body = answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body);
    await pipeline(body, counter, into, { signal: cli.signal, end });
    return done;
  } finally {
    progress.end();
  }
}
