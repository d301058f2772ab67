/**
 * The forms in which people name a repository, and the URL that is cloned. Only `http` and `https` are ever spoken, so an
 * SSH address becomes the `https` one of the same forge. Nothing here throws.
 */

/** A repository that git can be given. */
export interface GitRepo {
  /** `http:` or `https:`, without a user, a password, a query's `#` part or anything that git could read as an option. */
  readonly url: string;
  /** It was written as an SSH address: a port there is SSH's, so `url` has none. `port`: that port; empty: the usual one. */
  readonly ssh: { readonly port: string } | null;
}

export type ReadGitRepo = GitRepo | { readonly problem: string };

/** Longest URL, characters. */
export const MAX_GIT_URL = 2048;

const FORMS =
  'must name a repository: https://HOST/PATH, HOST/PATH, OWNER/REPO (on github.com), git@HOST:PATH or ssh://git@HOST/PATH';
const NO_CREDENTIAL = 'must not hold a user name or password: name one of the runner’s secrets in config.secrets';
const SSH_PASSWORD = 'must not hold a password: name one of the runner’s secrets in config.secrets';

/** Where a name without a host is. */
const DEFAULT_FORGE = 'github.com';

/** Hosts on which forges offer SSH beside the usual port, and where the same repositories are over HTTPS. */
export const SSH_HOSTS: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
  'ssh.dev.azure.com': 'dev.azure.com',
};

/** The address of a machine: a name or an IPv4 address, or an IPv6 address in brackets. */
const HOST = String.raw`(?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?)`;
/** A URL would take more slashes. */
const WEB = /^https?:\/\/[^/\\]/i;
const SSH = new RegExp(
  String.raw`^(?:ssh|git\+ssh|ssh\+git|git):\/\/(?:([^\s@/]+)@)?(${HOST})(?::(\d{0,5}))?(\/.+)$`,
  'iu',
);
/** As `scp` writes it. Without a user, the host must look like one: `ext::sh` and `C:\x` are something else. */
const SCP = new RegExp(String.raw`^(?:([^\s@/:]+)@(${HOST})|(${HOST})):(?!\/\/)(.+)$`, 'u');
const HOST_PATH = new RegExp(String.raw`^(${HOST})(?::(\d{1,5}))?\/(.+)$`, 'u');
const OWNER_REPO = /^([A-Za-z0-9][A-Za-z0-9_-]*)\/([A-Za-z0-9._-]+)\/?$/;

/** Reads a repository as people name it: the URL that is cloned; or what is wrong, as a sentence without its subject. */
export function readGitRepo(written: string): ReadGitRepo {
  const text = written.trim();
  if (hasControls(text)) return { problem: FORMS };
  if (WEB.test(text)) return fromWeb(text);
  const ssh = SSH.exec(text);
  if (ssh !== null) return (ssh[1] ?? '').includes(':') ? { problem: SSH_PASSWORD } : fromSsh(ssh[2], ssh[4], ssh[3]);
  if (text.includes('://')) return { problem: FORMS };
  const place = HOST_PATH.exec(text);
  // `host:8443/o/r` has a port. In `git@host:8443/o/r`, as git reads it, 8443 is a folder.
  if (place !== null && isHost(place[1]) && (place[2] === undefined || place[3]?.includes('/') === true))
    return fromWeb(`https://${text}`);
  const scp = SCP.exec(text);
  if (scp !== null && (scp[1] !== undefined || isHost(scp[3]))) return fromSsh(scp[2] ?? scp[3], scp[4]);
  const own = OWNER_REPO.exec(text);
  if (own === null || own[2] === '.' || own[2] === '..') return { problem: FORMS };
  return fromWeb(`https://${DEFAULT_FORGE}/${own[1]}/${own[2]}`);
}

/** Whether two URLs, as git has them, lead to the same repository. An SSH address is that of the same forge's `https`. */
export function isSameRepo(one: string, other: string): boolean {
  const [a, b] = [readGitRepo(one), readGitRepo(other)];
  if ('problem' in a || 'problem' in b) return false;
  const [left, right] = [new URL(a.url), new URL(b.url)];
  const sameHost = a.ssh !== null || b.ssh !== null ? left.hostname === right.hostname : left.host === right.host;
  return sameHost && pathOf(left) === pathOf(right) && left.search === right.search;
}

const pathOf = ({ pathname }: URL) => pathname.replace(/\/+$/, '').replace(/\.git$/, '');

function fromWeb(text: string): ReadGitRepo {
  if (!URL.canParse(text)) return { problem: FORMS };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return { problem: NO_CREDENTIAL };
  url.hash = '';
  return bounded(url, null);
}

function fromSsh(host = '', path = '', port = ''): ReadGitRepo {
  const base = `https://${host}/`;
  if (!URL.canParse(base)) return { problem: FORMS };
  const url = new URL(base);
  url.hostname = SSH_HOSTS[url.hostname] ?? url.hostname;
  // What ends a path in a URL is a part of it here.
  url.pathname = path.startsWith('/') ? path : `/${path}`;
  // Azure DevOps names repositories otherwise over SSH: `v3/organisation/project/repository`.
  const azure = url.hostname === 'dev.azure.com' ? /^\/v3\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname) : null;
  if (azure !== null) url.pathname = `/${azure[1]}/${azure[2]}/_git/${azure[3]}`;
  return url.pathname === '/' ? { problem: FORMS } : bounded(url, { port });
}

function bounded({ href, hostname }: URL, ssh: GitRepo['ssh']): ReadGitRepo {
  // It would look like an option.
  if (hostname.startsWith('-')) return { problem: FORMS };
  return href.length > MAX_GIT_URL
    ? { problem: `must be at most ${MAX_GIT_URL} characters as a URL` }
    : { url: href, ssh };
}

/** Whether a name without a user is that of a machine: it has a dot, or is this one. */
const isHost = (name: string | undefined) => name !== undefined && (/[.[]/.test(name) || name === 'localhost');

const hasControls = (text: string) => /\p{Cc}/u.test(text);
