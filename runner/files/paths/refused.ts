import type { FilesRefusal, FilesRefusalCode } from '../../../protocol/api/files/files.ts';

/** Longest detail that a refusal's frame carries, characters. */
const DETAIL = 4096;

/**
 * The refusal of a request on a session's files. It is an exception because a streaming body can only fail by throwing.
 * `answerRequest` turns it into a value if nothing has been sent yet.
 */
export class FilesRefused extends Error {
  readonly refusal: FilesRefusal;
  constructor(code: FilesRefusalCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'FilesRefused';
    this.refusal = { code, detail: detail.length > DETAIL ? `${detail.slice(0, DETAIL)}…` : detail };
  }
}

/** The code of a system call's error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const DENIED =
  'is closed to the runner by its permissions, or by those of its folder: have the agent change them (chmod u+rwX)';

const MEANING: Readonly<Record<string, readonly [FilesRefusalCode, string]>> = {
  ENOENT: ['file_not_found', 'is not there'],
  ENOTDIR: ['not_a_directory', 'is not a folder'],
  EISDIR: ['not_a_file', 'is a folder'],
  ELOOP: ['not_a_file', 'is a symlink, and links are not followed'],
  ENOTEMPTY: ['directory_not_empty', 'is a folder that is not empty'],
  ENAMETOOLONG: ['path_invalid', 'has a name that is longer than the file system takes'],
  EINVAL: ['path_invalid', 'has a name that the file system does not take'],
  EILSEQ: ['path_invalid', 'has a name that the file system does not take'],
  EACCES: ['file_access_denied', DENIED],
  EPERM: ['file_access_denied', DENIED],
  EROFS: ['file_access_denied', 'is on a file system that is read-only'],
  ENOSPC: ['workspace_full', 'does not fit: the runner’s disk is full'],
  EDQUOT: ['workspace_full', 'does not fit: the runner’s quota is used up'],
  EFBIG: ['workspace_full', 'is larger than the runner’s file system takes'],
};

/**
 * Translates a system call's error into a refusal. The error's own message is dropped, because it holds a path of the runner.
 * Any other error is returned unchanged.
 *
 * @param where the path, from `displayPath`
 */
export function refusedBy(error: unknown, where: string): unknown {
  if (error instanceof FilesRefused) return error;
  const code = errnoOf(error);
  if (code === undefined || !(error instanceof Error) || !('syscall' in error)) return error;
  const [refusal, why] = MEANING[code] ?? ['files_unavailable', `could not be reached (${code})`];
  return new FilesRefused(refusal, `${where} ${why}.`, { cause: error });
}

/** The tree's permissions keep the runner, which is not root, out. */
export function isDenied(error: unknown): boolean {
  if (error instanceof FilesRefused) return error.refusal.code === 'file_access_denied';
  return ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
}
