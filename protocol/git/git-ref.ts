/** A commit by its number, whole or the beginning of it. */
const COMMIT = /^[0-9a-f]{7,64}$/i;

/** What `git_branch` names, as far as its form tells. */
export type GitRef =
  /** `refs/heads/…`. */
  | { readonly kind: 'branch'; readonly name: string }
  /** Any other `refs/…`: a tag, or what a forge keeps of a pull request. */
  | { readonly kind: 'ref'; readonly name: string }
  /** A branch or a tag. */
  | { readonly kind: 'name'; readonly name: string }
  /** It may be a commit, unless there is a branch or a tag of that name. */
  | { readonly kind: 'commit'; readonly name: string; readonly whole: boolean };

export function readGitRef(text: string): GitRef {
  if (text.startsWith('refs/heads/')) return { kind: 'branch', name: text.slice('refs/heads/'.length) };
  if (text.startsWith('refs/')) return { kind: 'ref', name: text };
  if (COMMIT.test(text)) return { kind: 'commit', name: text, whole: text.length === 40 || text.length === 64 };
  return { kind: 'name', name: text };
}
