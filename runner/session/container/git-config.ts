import { repositoriesOf } from '../../../protocol/api/files/workspace.ts';
import type { Launch } from '../../../protocol/link/runner-control.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import { readGitRepo, SSH_HOSTS, type GitRepo } from '../../../protocol/git/git-repo.ts';
import type { Rule } from '../../egress/policy/rule.ts';
import { WORKSPACE } from '../../../protocol/git/repository-path.ts';
import { isForge } from '../../secrets/forge.ts';
import type { EgressPlan } from './session-egress.ts';

type GitLaunch = NonNullable<WrapperLaunch['git']>;
type Rewrite = NonNullable<GitLaunch['rewrites']>[number];

/** Name of the file in the run folder that takes the place of git's system configuration. */
export const GIT_CONFIG_FILE = 'gitconfig';

/** Forges that offer their repositories over HTTPS and SSH, and to whose SSH addresses submodules often lead. */
const FORGES = ['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org'];

/** Where git has its system configuration otherwise: Debian's, one that was built here, Homebrew's. */
const SYSTEM_FILES = ['/etc/gitconfig', '/usr/local/etc/gitconfig', '/opt/homebrew/etc/gitconfig'];

/** What the wrapper is to clone; undefined: nothing. */
export function gitLaunch({ workspace, files }: Launch, { wire }: Pick<EgressPlan, 'wire'>): GitLaunch | undefined {
  const own = repositoriesOf(workspace);
  if (own.length === 0) return undefined;
  const repositories = own.map(({ repo, ...how }) => ({ ...how, repo: cloneUrl(readRepo(repo), wire) }));
  const rules = { has_files: files.start !== null, rewrites: sshRewrites(workspace, wire) };
  const [first, ...others] = repositories;
  if (first?.path !== WORKSPACE || others.length > 0) return { repositories, ...rules };
  // As an image of an earlier version understands it.
  const { path: _, ...one } = first;
  return { ...one, ...rules };
}

/** A repository as it was written. */
function readRepo(repo: string): GitRepo {
  const read = readGitRepo(repo);
  // The edge has checked it.
  if ('problem' in read) throw new Error(`git_repo ${read.problem}`);
  return read;
}

/**
 * Git's system configuration in a container, the last that counts: the author of commits, and HTTPS in place of SSH, which
 * has no way out. It holds what the system's own says too.
 */
export function gitConfig(
  { git_author, workspace }: Launch,
  plan: Pick<EgressPlan, 'wire' | 'forwards'>,
  sealed: boolean,
): string {
  const author = git_author === undefined ? [] : section('user', { name: git_author.name, email: git_author.email });
  const rewrites = sealed ? sshRewrites(workspace, plan.wire) : [];
  // A session that may speak SSH to a host has its own way there.
  const speaksSsh = (from: string) => plan.forwards.some(({ host, port }) => port === 22 && from.includes(host));
  return [
    ...author,
    ...rewrites
      .filter(({ from }) => !speaksSsh(from))
      .flatMap(({ from, to }) => section(`url ${quote(to)}`, { insteadOf: from })),
    // After ours, so that the system's own comes first.
    ...SYSTEM_FILES.flatMap((file) => section('include', { path: file })),
    '',
  ].join('\n');
}

/** SSH addresses, and the HTTPS ones of the same forges: of the repositories' own, of those with a git secret, of the well-known. */
function sshRewrites(workspace: Launch['workspace'], wire: EgressPlan['wire']): Rewrite[] {
  const named = repositoriesOf(workspace).map(({ repo }) => readRepo(repo));
  // Of several on one host, the first says how it is reached.
  const own = new Map(named.toReversed().map((repo) => [new URL(repo.url).hostname, repo]));
  const hosts = new Set([...own.keys(), ...gitRules(wire).map(({ host }) => host), ...FORGES]);
  return [...hosts].flatMap((host) => {
    const there = own.get(host);
    // An own repository that was named with a port of HTTPS has its neighbours there too.
    const to = there?.ssh === null ? new URL('/', there.url).href : `https://${host}${portOf(host, wire)}/`;
    const sshPorts = named.flatMap(({ url, ssh }) =>
      ssh !== null && new URL(url).hostname === host ? [ssh.port] : [],
    );
    const ports = [...new Set(['', '22', ...sshPorts])];
    const ssh = ports.flatMap((port) => [`ssh://git@${at(host, port)}/`, `ssh://${at(host, port)}/`]);
    const beside = Object.keys(SSH_HOSTS).filter((name) => SSH_HOSTS[name] === host && host !== 'dev.azure.com');
    const other = beside.flatMap((name) => [`ssh://git@${name}:443/`, `ssh://git@${name}/`, `git@${name}:`]);
    return [`git@${host}:`, `git://${host}/`, ...ssh, ...other].map((from) => ({ from, to }));
  });
}

const at = (host: string, port: string) => (port === '' ? host : `${host}:${port}`);

/** The URL that is cloned. An SSH address leads to the port for which the session has a git secret. */
function cloneUrl({ url, ssh }: GitRepo, wire: EgressPlan['wire']): string {
  if (ssh === null) return url;
  const { hostname, pathname } = new URL(url);
  return `https://${hostname}${portOf(hostname, wire)}${pathname}`;
}

/** The port of a host's HTTPS, with a colon: the first that a git secret names for it; empty: the usual one. */
function portOf(host: string, wire: EgressPlan['wire']): string {
  const [port] = gitRules(wire).find((rule) => rule.host === host)?.ports ?? [];
  return port === undefined || port === 443 ? '' : `:${port}`;
}

/** Hosts that git secrets name in full, with the ports that they name. */
function gitRules(wire: EgressPlan['wire']): { host: string; ports: readonly number[] }[] {
  const rules = wire
    .filter(({ as }) => as === 'git' || isForge(as) || (typeof as === 'object' && 'git' in as))
    .flatMap(({ hosts }) => hosts);
  return rules.flatMap((rule) => {
    const host = nameOf(rule);
    return host === null ? [] : [{ host, ports: rule.explicitPort ? (rule.ports ?? []) : [] }];
  });
}

const nameOf = (rule: Rule): string | null => (rule.kind === 'exact' ? rule.host : null);

function section(name: string, values: Record<string, string>): string[] {
  return [`[${name}]`, ...Object.entries(values).map(([key, value]) => `\t${key} = ${quote(value)}`)];
}

/** A value as git's configuration has it. */
const quote = (text: string) => `"${text.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
