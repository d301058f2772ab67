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

/** A path as a patch has it: quoted as in C where it is not of plain characters, every byte kept. */
export function gitName(prefix: 'a/' | 'b/', path: ByteName): string {
  const name = prefix + path;
  if (SIMPLE.test(name)) return name;
  const quoted = name.replace(/[^ -!#-[\]-~]/g, (character) => {
    return ESCAPES[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${quoted}"`;
}

/** Names that are another system's way to write `.git`, or of a link in place of `.gitmodules`: git refuses them everywhere. */
const GIT = /^(?:\.git|git~1)[ .]*(?::.*)?$/is;
const MODULES = /^(?:\.gitmodules|gitmod~\d|gi[0-9a-f]{4}~\d)[ .]*(?::.*)?$/is;

/** Whether `git apply` takes a patch of this path at all (git's `verify_path`). */
export function gitTakes(path: ByteName, symlink: boolean): boolean {
  return !path.split(/[/\\]/).some((name) => GIT.test(name) || (symlink && MODULES.test(name)));
}
