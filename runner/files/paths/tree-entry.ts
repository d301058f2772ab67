/** Bytes in the storage that are a file's content, or a part of it. */
export interface Piece {
  pack: string;
  /** Offset of its block in the pack, bytes. */
  offset: number;
  stored: number;
  /** Size of the decompressed block, bytes. */
  raw: number;
  codec: 'zstd' | 'none';
  /** SHA-256 of the whole block, base64url; null: the file's own hash covers it. */
  hash: string | null;
  /** Offset of the file's part in the decompressed block. */
  start: number;
  length: number;
}

/** One file, folder or link of a stored tree. A folder comes before its content. */
export interface TreeEntry {
  /** The file system's bytes, without a leading slash. */
  path: Buffer;
  type: 'file' | 'directory' | 'symlink';
  /** Permissions and the sticky bit; setuid and setgid are never kept. */
  mode: number;
  /** With a precision of microseconds. */
  mtimeNs: bigint;
  /** Bytes; 0 unless it is a file. */
  size: number;
  /** SHA-256 of a file's content, hex. */
  sha256: string | null;
  /** A link's target, as stored in the link. */
  target: Buffer | null;
  /** A file's content, in order. */
  pieces: readonly Piece[];
}

/** The bits of `st_mode` that are kept. Not setuid and setgid, because user and group are not kept. */
export const KEPT_MODE = 0o1777;

/** The stored data is missing, damaged or cut short. */
export class Damaged extends Error {
  override readonly name = 'Damaged';
}
