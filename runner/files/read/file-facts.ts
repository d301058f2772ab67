import type { BigIntStats } from 'node:fs';
import type { FileEntry } from '../../../protocol/api/files/files.ts';

const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** The modification time, RFC 3339. A file may have any time; one outside the calendar becomes the nearest inside. */
export function instantOf(stats: BigIntStats): string {
  return new Date(Math.min(LATEST, Math.max(EARLIEST, Number(stats.mtimeNs / 1_000_000n)))).toISOString();
}

export function typeOf(stats: BigIntStats): FileEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

/** As in `0644`. */
export function modeText(mode: number | bigint): string {
  return (Number(mode) & 0o7777).toString(8).padStart(4, '0');
}

/** An HTTP entity tag. It differs for another file, and for the same file after a write. */
export function etagOf(stats: BigIntStats): string {
  return `"${[stats.size, stats.mtimeNs, stats.ino].map((part) => part.toString(36)).join('.')}"`;
}
