import type { ByteName } from '../paths/byte-name.ts';

const SIMPLE = /^[\w./@+,=%~-]+$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** A path in a patch. If it has special characters, it is quoted as in C; all bytes are kept. */
export function gitName(prefix: 'a/' | 'b/', path: ByteName): string {
  const name = prefix + path;
  if (SIMPLE.test(name)) return name;
  const quoted = name.replace(/[^ -!#-[\]-~]/g, (character) => {
    return ESCAPES[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${quoted}"`;
}

/** Names that some system treats as `.git`, or as `.gitmodules` for a link. Git refuses them on every system. */
const GIT = /^(?:\.git|git~1)[ .]*(?::.*)?$/is;
const MODULES = /^(?:\.gitmodules|gitmod~\d|gi[0-9a-f]{4}~\d)[ .]*(?::.*)?$/is;

/** Whether `git apply` accepts a patch of this path (git's `verify_path`). */
export function gitAccepts(path: ByteName, symlink: boolean): boolean {
  return !path.split(/[/\\]/).some((name) => GIT.test(name) || (symlink && MODULES.test(name)));
}
