import { isBuiltin } from 'node:module';
import path from 'node:path';
import { IMPORT_TABLE } from './import-table.ts';

const TYPES_OF = 'types of ';

/** Whether a file or a package is `pattern` or inside it. `*` stands for one name. */
function isWithin(name: string, pattern: string): boolean {
  const names = name.split('/');
  return pattern.split('/').every((part, at) => part === '*' || part === names[at]);
}

/** The row of a file: the folder that the row stands for here, and what that folder may import. */
function rowOf(file: string): { folder: string; mayImport: readonly string[] } | null {
  const found = Object.entries(IMPORT_TABLE).findLast(([pattern]) => isWithin(file, pattern));
  if (found === undefined) return null;
  const [pattern, mayImport] = found;
  return { folder: file.split('/').slice(0, pattern.split('/').length).join('/'), mayImport };
}

/** An import as the table writes it: a file from the project's root, or `npm:name`, `node:name`, `cloudflare:name`. */
function targetOf(specifier: string, file: string): string {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(file), specifier);
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  if (specifier.startsWith('cloudflare:')) return specifier;
  return `npm:${specifier}`;
}

function allows(allowed: string, target: string, isType: boolean): boolean {
  if (allowed === 'anything') return true;
  if (allowed.startsWith(TYPES_OF)) return isType && allows(allowed.slice(TYPES_OF.length), target, isType);
  if (allowed.endsWith(':*')) return target.startsWith(allowed.slice(0, -1));
  return isWithin(target, allowed);
}

/** Why `file` may not import `specifier`; null when it may. */
export function refusalOf(file: string, specifier: string, isType: boolean): string | null {
  const row = rowOf(file);
  if (row === null) return `${file} is in no row of scripts/lint/import-table.ts. Add its folder there.`;
  const target = targetOf(specifier, file);
  if (isWithin(target, row.folder)) return null;
  if (row.mayImport.some((allowed) => allows(allowed, target, isType))) return null;
  return `${row.folder} may not import ${target}. scripts/lint/import-table.ts lists what it may import.`;
}
