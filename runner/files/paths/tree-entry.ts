/** A run of bytes in the storage that a file consists of, whole or in part. */
export interface Piece {
  pack: string;
  /** Where its block lies in the pack, bytes. */
  offset: number;
  stored: number;
  /** Size of the block once it is decompressed, bytes. */
  raw: number;
  codec: 'zstd' | 'none';
  /** SHA-256 of the whole block, base64url; null: the file's own hash covers it. */
  hash: string | null;
  /** The file's part of the decompressed block. */
  start: number;
  length: number;
}

/** One file, folder or link of a stored tree. Folders come before what is in them. */
export interface TreeEntry {
  /** Bytes, as the file system has them; no leading slash. */
  path: Buffer;
  type: 'file' | 'directory' | 'symlink';
  /** Permissions and the sticky bit; setuid and setgid are never kept. */
  mode: number;
  /** To the microsecond. */
  mtimeNs: bigint;
  /** Bytes; 0 of anything but a file. */
  size: number;
  /** Of a file's content, hex. */
  sha256: string | null;
  /** Where a link points, as it is written. */
  target: Buffer | null;
  /** A file's content, in order. */
  pieces: readonly Piece[];
}

/** What is kept of `st_mode`: setuid and setgid would speak for a user and a group that are not kept. */
export const KEPT_MODE = 0o1777;

/** The storage holds something else than what was put there. */
export class Damaged extends Error {
  override readonly name = 'Damaged';
}
