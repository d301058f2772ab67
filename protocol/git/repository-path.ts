import { CLONE_FOLDER } from './clone-folder.ts';

/** The folder of a repository that has the workspace for itself. */
export const WORKSPACE = '.';

const MAX_PATH = 512;
const MAX_NAME_BYTES = 255;
const MAX_FOLDERS = 16;

/** What is wrong with a folder of the workspace that a repository is to have, as a sentence without its subject; null: nothing. */
export function pathProblem(path: string): string | null {
  if (path === WORKSPACE) return null;
  const names = path.split('/');
  if (path.length > MAX_PATH || names.length > MAX_FOLDERS)
    return `must be at most ${MAX_PATH} characters and ${MAX_FOLDERS} folders deep`;
  if (names.some((name) => name === '' || name === '.' || name === '..') || /[\p{Cc}\p{Cs}\\]/u.test(path))
    return 'must be a folder of the workspace, such as web or libs/ui, or . for the workspace itself';
  // Git's own folder, however the file system writes it, and the one in which repositories are cloned.
  if (names.some((name) => isGits(name)) || names[0] === CLONE_FOLDER)
    return `must not lead through .git or ${CLONE_FOLDER}`;
  const tooLong = names.some((name) => new TextEncoder().encode(name).length > MAX_NAME_BYTES);
  return tooLong ? `must have names of at most ${MAX_NAME_BYTES} bytes` : null;
}

const isGits = (name: string) => /^(?:\.git|git~1)[\s.]*$/i.test(name);

/** Whether the folder `inner` is inside of `outer`, or is the same. */
export const isWithin = (inner: string, outer: string): boolean =>
  outer === WORKSPACE || inner === outer || inner.startsWith(`${outer}/`);

/** The name of the repository that a URL leads to, as git takes it for a new folder; null: it has none that will do. */
export function repositoryName(url: string): string | null {
  const last = new URL(url).pathname.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const name = decoded(last)?.replace(/\.git$/i, '') ?? '';
  return name === '' || name.includes('/') || pathProblem(name) !== null ? null : name;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
