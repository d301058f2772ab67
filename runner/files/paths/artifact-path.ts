import { parsePath, type ByteName } from './byte-name.ts';

/** The workspace's path in a container. */
const IN_CONTAINER = '/workspace';

/**
 * Parses an agent's path. It is relative to the workspace, or absolute in the agent's view: below `/workspace`, or without a
 * container below the runner's own folder. `./a//b` is allowed; `..` is refused.
 */
export function parseAgentPath(path: string, workspace: string): ByteName[] {
  const root = [IN_CONTAINER, workspace].find((folder) => path === folder || path.startsWith(`${folder}/`));
  const within = root === undefined ? path : path.slice(root.length + 1);
  // Any other absolute path is outside the workspace: `parsePath` refuses it.
  if (root === undefined && path.startsWith('/')) return parsePath(path);
  return parsePath(
    within
      .split('/')
      .filter((name) => name !== '' && name !== '.')
      .join('/'),
  );
}
