import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileList, writtenFiles, type FilesRefusal } from '../../../protocol/api/files/files.ts';
import type { AnswerHead } from '../../../runner/files/answer.ts';
import { answerRequest, type FilesInput, type TreeRequest } from '../../../runner/files/answer-request.ts';
import { FilesRefused } from '../../../runner/files/paths/refused.ts';
import { measureWith } from '../../../runner/lib/disk/usage.ts';
import { keptLog } from '../quiet-log.ts';
import { scratch } from '../scratch.ts';

export const SECRET = 'the secret outside';
export const SECRET_NAME = 'secret-name-outside';
/** A name that no request knows: whoever has it has listed what is outside. */
const UNKNOWN_NAME = 'known-from-a-list-alone';

/** So many `..` lead out of a workspace and still into the test's own folder, should they ever be followed. */
const NESTED = 16;

/** A workspace, and beside it what no request may read or touch; all of it far down in `top`, a folder of the test's own. */
export function surroundings() {
  const top = scratch();
  const root = path.join(top, ...Array.from({ length: NESTED }, () => 'n'));
  mkdirSync(root, { recursive: true });
  const [workspace, outside] = [path.join(root, 'workspace'), path.join(root, 'outside')];
  mkdirSync(workspace);
  mkdirSync(path.join(outside, 'folder'), { recursive: true });
  writeFileSync(path.join(outside, SECRET_NAME), SECRET);
  writeFileSync(path.join(outside, 'folder', SECRET_NAME), SECRET);
  writeFileSync(path.join(outside, UNKNOWN_NAME), '');
  writeFileSync(path.join(outside, 'folder', UNKNOWN_NAME), '');
  return { top, root, workspace, outside };
}

/** All that can be seen of a tree from outside it, but for what is in `except`. */
export function fingerprint(folder: string, except?: string): string {
  const seen = (at: string): unknown[] => {
    if (at === except) return [at];
    const status = lstatSync(at);
    const { mode, mtimeMs, uid, ino } = status;
    const facts = [at, mode, mtimeMs, uid, ino];
    if (status.isDirectory()) {
      const names = readdirSync(at).sort();
      return [...facts, names.map((name) => seen(`${at}/${name}`))];
    }
    return [...facts, readFileSync(at, 'latin1')];
  };
  return JSON.stringify(seen(folder));
}

/**
 * The times of what is in a tree now, but for what is in `except`, whenever it is asked: whatever is made, removed or written there
 * changes one of them. It takes a tenth of a fingerprint's time.
 */
export function timesIn(folder: string, except: string): () => string {
  const list = (at: string): string[] => {
    if (at === except) return [];
    const within = lstatSync(at).isDirectory() ? readdirSync(at).flatMap((name) => list(`${at}/${name}`)) : [];
    return [at, ...within];
  };
  const paths = list(folder);
  return () =>
    paths
      .map((at) => {
        const { ino, mode, ctimeNs } = lstatSync(at, { bigint: true });
        return `${at} ${ino} ${mode} ${ctimeNs}`;
      })
      .join('\n');
}

export type Outcome =
  | { ok: true; head: AnswerHead; bytes: Buffer; refusal: undefined }
  /** `bytes`: what came before it was refused. */
  | { ok: false; head: AnswerHead | undefined; bytes: Buffer; refusal: FilesRefusal };

export async function* bodyOf(...chunks: (Uint8Array | string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield await Promise.resolve(Buffer.from(chunk));
  }
}

/** Limits for what is written. */
export const limitsOf = (mb: number, files: number) => ({ mb, files, measure: measureWith({ log: keptLog().log }) });

/** Whether an answer holds anything of what is outside. */
export function leaks({ bytes, refusal }: Outcome): boolean {
  const said = `${bytes.toString('latin1')} ${refusal?.detail}`;
  return said.includes(SECRET) || said.includes(UNKNOWN_NAME);
}

/** Asks, and reads all of the answer. */
export async function ask(
  workspace: string,
  request: TreeRequest,
  rest: Partial<Omit<FilesInput, 'workspace' | 'request'>> = {},
): Promise<Outcome> {
  const input = { as: undefined, limits: null, body: bodyOf(), start: null, ...rest, workspace, request };
  const answer = await answerRequest(input);
  const chunks: Uint8Array[] = [];
  if (!answer.ok) return { ok: false, head: undefined, bytes: Buffer.alloc(0), refusal: answer.refusal };
  try {
    for await (const chunk of answer.body) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof FilesRefused)) throw error;
    return { ok: false, head: answer.head, bytes: Buffer.concat(chunks), refusal: error.refusal };
  }
  return { ok: true, head: answer.head, bytes: Buffer.concat(chunks), refusal: undefined };
}

type Read = Extract<TreeRequest, { op: 'read' }>;
export function read(at: string, rest: Partial<Omit<Read, 'op' | 'path'>> = {}): Read {
  return { op: 'read', path: at, range: null, recursive: false, limit: 1000, cursor: null, head_only: false, ...rest };
}

export const listOf = (outcome: Outcome) => fileList.parse(JSON.parse(outcome.bytes.toString()));
export const writtenOf = (outcome: Outcome) => writtenFiles.parse(JSON.parse(outcome.bytes.toString()));

/** Files and folders that this process has open. Not sockets and pipes: those of earlier tests end when they end. */
export const openFiles = () => readdirSync('/proc/self/fd').filter(isOfFile).length;

function isOfFile(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/');
  } catch {
    // It was the one by which they were listed.
    return false;
  }
}
