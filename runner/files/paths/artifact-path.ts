import { parsePath, type ByteName } from './byte-name.ts';

/** Where the workspace is in a container. */
const IN_CONTAINER = '/workspace';

/**
 * A path as an agent names it: relative to the workspace, or from where the agent sees the workspace, which without a container is where
 * the runner has it. Agents write `./a//b` as well; `..` is refused as of anyone.
 */
export function parseAgentPath(path: string, workspace: string): ByteName[] {
  const root = [IN_CONTAINER, workspace].find((folder) => path === folder || path.startsWith(`${folder}/`));
  const within = root === undefined ? path : path.slice(root.length + 1);
  // Anywhere else is outside: left as it is, and refused.
  if (root === undefined && path.startsWith('/')) return parsePath(path);
  return parsePath(
    within
      .split('/')
      .filter((name) => name !== '' && name !== '.')
      .join('/'),
  );
}
