/** A range of bytes, `last` included. */
export interface ByteRange {
  first: number;
  last: number;
}

/**
 * Parses a `Range` header for a file of `size` bytes (RFC 9110, section 14.1.2). `whole`: ignore the header, as the RFC
 * requires for an unknown unit, bad syntax or a wrong order. It is also the answer to several ranges, which the RFC allows.
 */
export function parseRange(header: string | null, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (from === '' && to === '') return 'whole';
  if (from === '') {
    const suffix = Number(to);
    if (suffix === 0) return 'unsatisfiable';
    return size === 0 ? 'whole' : { first: Math.max(0, size - suffix), last: size - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return 'whole';
  if (first >= size) return 'unsatisfiable';
  return { first, last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}
