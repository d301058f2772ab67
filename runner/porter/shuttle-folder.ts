import path from 'node:path';

/** In a session's folder: what is carried between the runner's copy of its files and its task. */
export const SHUTTLE = 'shuttle';
export const shuttleStore = (root: string): string => path.join(root, SHUTTLE, 'store');
/** It is there once the task has saved all that its session left. */
export const FINAL_FILE = path.join(SHUTTLE, 'final');
