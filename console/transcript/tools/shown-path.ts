const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** The folder of a session's files: in its container, and on a runner without containers. */
const WORKSPACE = new RegExp(`^(?:/workspace|/.*?/sessions/${UUID}/workspace)(?:/|$)`);

/** A path as people know it: below the workspace, if it is there. */
export const shownPath = (path: string): string => path.replace(WORKSPACE, '');

/** Whether a path is of a file of the workspace. */
export const isInWorkspace = (path: string): boolean => !path.startsWith('/') || WORKSPACE.test(path);
