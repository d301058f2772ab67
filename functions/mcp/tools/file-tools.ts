import { z } from 'zod';
import { fileList } from '../../../protocol/api/files/files.ts';
import type { Problem } from '../../../protocol/api/problem.ts';
import { problemOf } from '../../refuse.ts';
import { pathOf, queryOf, type Answered, type Api } from '../api.ts';
import { CURSOR, cursor, ofSession, SESSION } from './fields.ts';
import { dataTool, textTool } from './tool.ts';

/** Tools for the files of a session: list, read. */

const WITHIN = 'Within the workspace, such as "src/main.ts".';

/** How many bytes one call reads: at most, and by default. */
const READ_MAX = 100_000;
const READ_DEFAULT = 50_000;

const filesPath = (session_id: string, path: string): string =>
  [
    pathOf('/sessions/{}/files', session_id),
    ...path
      .split('/')
      .filter((part) => part !== '')
      .map(encodeURIComponent),
  ].join('/');

const listFiles = dataTool('list_files', {
  title: 'List files of a session',
  description: 'List what is in a folder of a session’s workspace: names, sizes, times. read_file reads one.',
  input: z.strictObject({
    ...ofSession,
    path: z.string().max(4096).default(''),
    recursive: z.boolean().default(false),
    limit: z.int().min(1).max(500).default(100),
    cursor,
  }),
  fields: {
    session_id: SESSION,
    path: `The folder. ${WITHIN} Absent: the workspace itself.`,
    recursive: 'Whether to list what is in its folders too.',
    limit: 'How many at most.',
    cursor: CURSOR,
  },
  effect: 'reads',
  output: fileList,
  async run({ session_id, path, ...query }, { api }) {
    const opened = await api.open('GET', filesPath(session_id, path) + queryOf(query));
    if ('problem' in opened) return opened;
    const { data: response } = opened;
    if (response.headers.get('content-type') === 'application/json')
      return { data: fileList.parse(await response.json()) };
    await response.body?.cancel();
    return notA('not_a_directory', `${path} is a file.`);
  },
});

const readFile = textTool('read_file', {
  title: 'Read a file of a session',
  description: `Read a text file of a session's workspace. A long one comes in parts of at most ${READ_MAX} bytes, and the second text of the answer says where the next one begins.`,
  input: z.strictObject({
    ...ofSession,
    path: z.string().min(1).max(4096),
    offset: z.int().min(0).default(0),
    limit: z.int().min(4).max(READ_MAX).default(READ_DEFAULT),
  }),
  fields: {
    session_id: SESSION,
    path: `The file. ${WITHIN}`,
    offset: 'The first byte.',
    limit: 'How many bytes at most.',
  },
  effect: 'reads',
  run: ({ session_id, path, offset, limit }, { api }) =>
    readPart(api, filesPath(session_id, path), path, offset, limit),
});

async function readPart(
  api: Api,
  url: string,
  path: string,
  offset: number,
  limit: number,
): Promise<Answered<readonly string[]>> {
  const range = `bytes=${offset}-${offset + limit - 1}`;
  const opened = await api.open('GET', url, { headers: { range } });
  if ('problem' in opened) {
    // An empty file has no first byte, so no range of it can be read.
    return opened.problem.code === 'range_not_satisfiable' && offset === 0
      ? { data: ['', 'The file is empty.'] }
      : opened;
  }
  const { data: response } = opened;
  if (response.headers.get('content-type') === 'application/json' && response.status === 200) {
    await response.body?.cancel();
    return notA('not_a_file', `${path} is a folder.`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const total = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? bytes.length);
  // The caller's offset may be in the middle of a character.
  const skipped = offset === 0 ? 0 : leadingContinuations(bytes);
  const text = decode(bytes.subarray(skipped), offset + bytes.length === total);
  if (text === null) {
    const detail = `${path} holds ${total} bytes that are not text. The HTTP API has them as they are: GET ${url}`;
    return { data: [detail] };
  }
  const from = offset + skipped;
  const next = from + new TextEncoder().encode(text).length;
  const more = next < total ? `Go on with offset ${next}.` : 'This is its end.';
  return { data: [text, `Bytes ${from} to ${next} of ${total}. ${more}`] };
}

/** How many bytes at the beginning belong to a character that begins earlier. In UTF-8 there are at most three. */
function leadingContinuations(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => (byte & 0b1100_0000) !== 0b1000_0000);
  return first === -1 || first > 3 ? 0 : first;
}

/** The complete characters; null: not text. At the end of the file no character may be incomplete. */
function decode(bytes: Uint8Array, isEnd: boolean): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isEnd });
    return text.includes('\0') ? null : text;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function notA(refused: 'not_a_file' | 'not_a_directory', detail: string): { problem: Problem } {
  return { problem: problemOf({ refused, detail }) };
}

export const fileTools = [listFiles, readFile];
