import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import * as z from 'zod';
import type { Log } from '../../lib/log.ts';
import { parseRule, type Rule } from './rule.ts';

/** What the package managers of this machine are configured for. */
export interface PackageSources {
  /** The preset `packages`. */
  rules: Rule[];
  /** For a container that uses it: its package managers go to the same registries. Without any credential. */
  env: Record<string, string>;
}

/** Output of a program, or undefined where it is not installed, fails or does not end. */
export type Run = (program: string, args: readonly string[]) => Promise<string | undefined>;

interface Found {
  urls: string[];
  env: Record<string, string>;
}

const NOTHING: Found = { urls: [], env: {} };
const PROGRAM_MS = 15_000;

/**
 * Asks npm, pip, apt, Go and Cargo where they get packages. Each says so itself: no registry is known here. One that is not installed is
 * no error. Takes a second or two: to be started early and awaited late.
 */
export async function packageSources(
  log: Log,
  env: NodeJS.ProcessEnv,
  run: Run = runner(env),
): Promise<PackageSources> {
  const asked = await Promise.all([npm(run, env), pip(run), apt(run), go(run, env), cargo(env)]);
  const urls = asked.flatMap((found) => found.urls);
  const rules = new Map<string, Rule>();
  for (const url of urls) {
    const rule = ruleOf(url);
    if (rule !== undefined) rules.set(rule.text, rule);
  }
  log.info('package registries found', { rules: [...rules.keys()] });
  return { rules: [...rules.values()], env: Object.assign({}, ...asked.map((found) => found.env)) };
}

async function npm(run: Run, env: NodeJS.ProcessEnv): Promise<Found> {
  const text = await run('npm', ['config', 'list', '--json']);
  const listed = z.record(z.string(), z.unknown()).safeParse(text === undefined ? undefined : jsonOf(text)).data ?? {};
  const scoped = Object.entries(listed).filter(([key]) => /^@[^:]+:registry$/.test(key));
  const main = listed['registry'] ?? env['npm_config_registry'] ?? env['NPM_CONFIG_REGISTRY'];
  const urls = [main, ...scoped.map(([, value]) => value)].filter((url) => typeof url === 'string');
  const [first] = urls;
  return { urls, env: first === undefined ? {} : envOf('npm_config_registry', first) };
}

/**
 * Pip's own words for what it would use: `config list`, and of its default index, which no command prints, its constants. That
 * default hands out files from a second host.
 */
const PIP_DEFAULT = `
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
print("https://" + PyPI.file_storage_domain + "/")
`;

async function pip(run: Run): Promise<Found> {
  const config = await run('python3', ['-m', 'pip', 'config', 'list']);
  if (config === undefined) return NOTHING;
  const value = (name: string): string[] => {
    const lines = [...config.matchAll(/^([^\s=]+)\.([a-z-]+)='(.*)'$/gm)].filter(([, , key]) => key === name);
    // The environment is stronger than a command's own section, and that than the global one.
    const strongest = [':env:', 'install', 'global'].map((section) => lines.find(([, one]) => one === section));
    const text = (strongest.find((line) => line !== undefined) ?? lines[0])?.[3] ?? '';
    return text.split(/\\n|\s+/).filter((url) => /^https?:/.test(url));
  };
  const [index] = value('index-url');
  const extra = value('extra-index-url');
  const standard = index === undefined ? ((await run('python3', ['-c', PIP_DEFAULT])) ?? '') : '';
  const defaults = standard.split('\n').filter((url) => url !== '');
  return {
    urls: [...(index === undefined ? defaults : [index]), ...extra],
    env: {
      ...((index ?? defaults[0]) !== undefined && envOf('PIP_INDEX_URL', index ?? defaults[0] ?? '')),
      ...(extra.length > 0 && { PIP_EXTRA_INDEX_URL: extra.map(withoutCredentials).join(' ') }),
    },
  };
}

async function apt(run: Run): Promise<Found> {
  const text = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  return text === undefined ? NOTHING : { urls: text.split('\n'), env: {} };
}

async function go(run: Run, env: NodeJS.ProcessEnv): Promise<Found> {
  const text = await run('go', ['env', 'GOPROXY', 'GOSUMDB']);
  const [proxy = env['GOPROXY'] ?? '', sums = env['GOSUMDB'] ?? ''] = text?.split('\n') ?? [];
  const urls = proxy.split(/[,|]/).filter((part) => /^https?:/.test(part));
  if (urls.length === 0) return NOTHING;
  // `off`, or `name[+key] [url]`; without an URL the name is the host.
  const [name = '', url] = sums.trim().split(/\s+/);
  const host = name.replace(/\+.*$/, '');
  const sumUrl = url ?? (host === '' || host === 'off' ? undefined : `https://${host}`);
  return {
    urls: [...urls, ...(sumUrl === undefined ? [] : [sumUrl])],
    env: { GOPROXY: urls.map(withoutCredentials).join(','), ...(sums.trim() !== '' && { GOSUMDB: sums.trim() }) },
  };
}

const cargoConfig = z.object({
  source: z.record(z.string(), z.object({ registry: z.string().optional() }).loose()).default({}),
  registries: z.record(z.string(), z.object({ index: z.string().optional() }).loose()).default({}),
});

/** Cargo cannot be asked (`cargo config` is unstable): its one file is read. */
async function cargo(env: NodeJS.ProcessEnv): Promise<Found> {
  const home = env['CARGO_HOME'] ?? path.join(env['HOME'] ?? os.homedir(), '.cargo');
  const text = (await readText(path.join(home, 'config.toml'))) ?? (await readText(path.join(home, 'config')));
  if (text === undefined) return NOTHING;
  const { source, registries } = cargoConfig.safeParse(tomlOf(text)).data ?? { source: {}, registries: {} };
  const urls = [
    ...Object.values(source).map((one) => one.registry),
    ...Object.values(registries).map((one) => one.index),
  ];
  return { urls: urls.filter((url) => url !== undefined).map((url) => url.replace(/^sparse\+/, '')), env: {} };
}

/** A registry's host, and its port where it has an unusual one. */
function ruleOf(text: string): Rule | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return parseRule(url.port === '' ? url.hostname : `${url.hostname}:${url.port}`);
}

function envOf(name: string, url: string): Record<string, string> {
  return URL.canParse(url) ? { [name]: withoutCredentials(url) } : {};
}

/** A registry's password is the operator's: it does not go into a container. */
function withoutCredentials(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.username === '' && url.password === '')) return text;
  url.username = '';
  url.password = '';
  return url.href;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tomlOf(text: string): unknown {
  try {
    return parseToml(text);
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** In the root folder: no project's settings count, only the machine's and the user's. */
function runner(env: NodeJS.ProcessEnv): Run {
  return (program, args) =>
    new Promise((resolve) => {
      const child = execFile(program, args, { cwd: '/', env, timeout: PROGRAM_MS }, (error, stdout) => {
        process.off('exit', end);
        resolve(error === null ? stdout : undefined);
      });
      // A runner that is told to end does not wait for it, and leaves nothing behind.
      const end = () => child.kill('SIGKILL');
      process.once('exit', end);
    });
}
