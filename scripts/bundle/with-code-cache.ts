import { createHash } from 'node:crypto';

/**
 * Puts a program into a module that gives V8 what it has compiled of it before: from the file beside the bundle that `CACHE_COMMAND`
 * writes. Without that file, or with one of another Node, V8 compiles.
 *
 * Node has such a cache too (`NODE_COMPILE_CACHE`), but one for each user, and a container's is not that of its image. And as a
 * script the program costs 3 MB less than as a module.
 *
 * @param program a script of ASCII: V8 then has one byte for a character
 */
export function withCodeCache(program: string): string {
  return LOADER.replace('HASH', JSON.stringify(hashOf(program))).replace('PROGRAM', () => JSON.stringify(program));
}

/** Where this Node's cache of a program is. @param bundle the path of the module that has the program */
export function cacheOf(bundle: string, program: string): string {
  return `${bundle}.${hashOf(program)}-${process.version}.cache`;
}

function hashOf(program: string): string {
  return createHash('sha256').update(program).digest('hex').slice(0, 16);
}

/**
 * The first argument with which the bundle writes its cache. The program then has to do what it does at each start, and end: what V8
 * has compiled by then is in the cache.
 */
export const CACHE_COMMAND = 'cache';

/** V8 knows a cache by the program's length alone, so the cache's name has its hash. */
const LOADER = `const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { Script } = process.getBuiltinModule('node:vm');
const cache = import.meta.filename + '.' + HASH + '-' + process.version + '.cache';
const writes = process.argv[2] === '${CACHE_COMMAND}';
let cachedData;
try {
  if (!writes) cachedData = readFileSync(cache);
} catch (error) {
  if (error.code !== 'ENOENT') console.error('cc-docker wrapper: ' + error.message);
}
const script = new Script(PROGRAM, { filename: import.meta.filename, cachedData });
cachedData = undefined;
if (writes)
  process.on('exit', (code) => {
    if (code !== 0) return;
    const part = cache + '.' + process.pid;
    writeFileSync(part, script.createCachedData());
    renameSync(part, cache);
  });
script.runInThisContext()(import.meta.url);
`;
