import { MAX_FILE_BYTES } from '../../../devcontainer/parse.ts';

/** Where the file may be, the first that is there. */
const FILES = ['.devcontainer/devcontainer.json', '.devcontainer.json'] as const;

/** Longest output that is kept, bytes: the file in base64, and what is around it. */
export const OUTPUT_BYTES = 2 * MAX_FILE_BYTES;

export interface Source {
  /** An http(s) URL. */
  readonly repo: string;
  /** A branch, a tag, a commit, or a ref in full; absent: the repository's own default. */
  readonly branch?: string | undefined;
}

/** What was read of a repository. `file` null: it has none. */
export type ReadFile = {
  readonly commit: string;
  readonly file: { readonly path: string; readonly text: string } | null;
};

/**
 * A script that fetches one commit of a repository, without the content of its files where the server knows how, and prints its
 * `devcontainer.json`. Nothing of the repository is checked out, and nothing of it runs.
 *
 * @param mark begins the lines that count
 */
export function readScript({ repo, branch }: Source, mark: string): string {
  return `
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=http:https LC_ALL=C
cd "$(mktemp -d)"
git init --quiet .
git remote add -- origin ${quote(repo)}
git fetch --quiet --depth 1 --filter=blob:none --no-tags origin -- ${quote(branch ?? 'HEAD')}
commit="$(git rev-parse FETCH_HEAD^{commit})"
echo "${mark} commit $commit"
for file in ${FILES.map((file) => quote(file)).join(' ')}; do
  # Of one that is not there, git has nothing to say; of a link, where it leads to is no JSON.
  entry="$(git ls-tree "$commit" -- "$file")"
  case "$entry" in *' blob '*) ;; *) continue ;; esac
  echo "${mark} file $file"
  git cat-file blob "$commit:$file" > content
  head -c ${MAX_FILE_BYTES + 1} content | base64 -w 0 | sed 's/^/${mark} content /'
  echo
  break
done
echo "${mark} end"
`;
}

/** What the script has printed; undefined: it did not come to its end. */
export function readOutput(output: string, mark: string): ReadFile | undefined {
  const said = new Map(
    output.split('\n').flatMap((line) => {
      const [begin, key, value = ''] = line.split(' ');
      return begin === mark && key !== undefined ? [[key, value] as const] : [];
    }),
  );
  const commit = said.get('commit');
  if (commit === undefined || !said.has('end')) return undefined;
  const path = said.get('file');
  if (path === undefined) return { commit, file: null };
  return { commit, file: { path, text: Buffer.from(said.get('content') ?? '', 'base64').toString('utf8') } };
}

/** One word of a shell. */
const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
