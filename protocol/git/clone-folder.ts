/**
 * The folder of a workspace in which a repository is cloned, before its files are moved to where they belong. What is left
 * of it was cut short.
 */
export const CLONE_FOLDER = '.cc-docker-clone';
/** In that folder: the clone itself, and the file that says that it is whole. */
export const CLONE_TREE = 'tree';
export const CLONE_DONE = 'done.json';
