import path from 'node:path';

/** An entry of an archive, as far as it matters where it leads. */
interface Entry {
  readonly path: string;
  readonly type: string;
  readonly linkpath?: string | undefined;
}

/**
 * Whether an entry stays within the folder that an archive is unpacked into. The files are an agent's: none of its links may lead to
 * what is beside them.
 */
export function staysWithin({ path: name, type, linkpath = '' }: Entry): boolean {
  if (leaves(name)) return false;
  if (type === 'SymbolicLink')
    return !path.posix.isAbsolute(linkpath) && !leaves(path.posix.join(path.posix.dirname(name), linkpath));
  if (type === 'Link') return !leaves(linkpath);
  return ['File', 'OldFile', 'ContiguousFile', 'Directory'].includes(type);
}

function leaves(name: string): boolean {
  const normal = path.posix.normalize(name);
  return path.posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../');
}
