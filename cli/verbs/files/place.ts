import { Misused } from '../../lib/failure.ts';

/** One end of a copy: a path of a session's workspace, or of this machine. */
export type Place =
  | { readonly session: string; readonly path: string }
  /** `-`: stdin or stdout. */
  | { readonly session: null; readonly path: string };

/** Reads `SESSION:PATH`, or a path of this machine. A path that has a colon begins with `./` or `/`. */
export function placeOf(text: string): Place {
  const [, session, path] = /^([^/:.][^/:]*):(.*)$/s.exec(text) ?? [];
  if (session === undefined || path === undefined) return { session: null, path: text };
  // A workspace's own paths are as they are inside of the container, too.
  return { session, path: path.replace(/^\/workspace(\/|$)/, '').replace(/^\/+/, '') };
}

/** The two ends of a copy, one of which is a session's. */
export function directionOf(from: Place, to: Place) {
  if (from.session !== null && to.session === null) return { download: { ...from, to: to.path } } as const;
  if (from.session === null && to.session !== null) return { upload: { ...to, from: from.path } } as const;
  throw new Misused(
    'One end must be SESSION:PATH, and the other a path of this machine',
    'Such as: cp last:notes.md .',
  );
}
