import type { Refusal } from '../../../protocol/api/problem.ts';

/** The longest path of Linux, bytes. */
const PATH_MAX = 4095;

const invalid = (detail: string): Refusal => ({ refused: 'path_invalid', detail });

/**
 * The path within the workspace that a call's URL names: everything after `…/sessions/{id}/files/`, percent-decoded
 * once. The runner checks that it stays within the workspace, because only the runner sees the links there.
 */
export function filesPath(url: string): { readonly path: string } | Refusal {
  // '', api, v1, sessions, {id}, files, …
  const encoded = new URL(url).pathname.split('/').slice(6).join('/');
  const path = decode(encoded);
  if (path === null) return invalid('The path has a % that does not begin an escape, or escapes that are not UTF-8.');
  if (path.includes('\0')) return invalid('A path holds no NUL.');
  if (new TextEncoder().encode(path).byteLength > PATH_MAX) return invalid(`A path has at most ${PATH_MAX} bytes.`);
  return { path };
}

function decode(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
