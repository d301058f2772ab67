import path from 'node:path';

/** What a runner without an image starts as `claude`: the real one, as `claude.sh` says. For its `CLAUDE_PATH`. */
export const CLAUDE = path.join(import.meta.dirname, '../wrapper/claude.sh');

/**
 * What a Node process that a test starts gets of this one's environment. It loads what an earlier one has compiled of the same
 * sources: `scripts/test.ts` says where.
 */
export function nodeEnvironment(): Record<string, string> {
  const names = ['PATH', 'NODE_COMPILE_CACHE'];
  // No `claude` is started beforehand, unless a test is about that.
  const warm = { WARM_SESSIONS: '0' };
  return {
    ...warm,
    ...Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  };
}
