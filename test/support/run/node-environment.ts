/**
 * What a Node process that a test starts gets of this one's environment. It loads what an earlier one has compiled of the same
 * sources: `scripts/test.ts` says where.
 */
export function nodeEnvironment(): Record<string, string> {
  const names = ['PATH', 'NODE_COMPILE_CACHE'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
