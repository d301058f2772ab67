import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import * as z from 'zod';
import type { Log } from '../../lib/log.ts';
import { parseRule, type Rule } from '../policy/rule.ts';

/** Where this machine's package managers get packages. */
export interface PackageSources {
  /** The rules of the preset `packages`. */
  rules: Rule[];
  /** Variables that make a container's package managers use the same registries. Holds no credential. */
  env: Record<string, string>;
}

/** Runs a program. @returns its output; undefined: it is not installed, failed or timed out */
export type Run = (program: string, args: readonly string[]) => Promise<string | undefined>;

/** What one package manager reports. */
interface Sources {
  urls: string[];
  env: Record<string, string>;
}

const NO_SOURCES: Sources = { urls: [], env: {} };
/** Limit for one program, milliseconds. */
const PROGRAM_MS = 15_000;

/**
 * Asks npm, pip, apt, Go and Cargo where they get packages. This file names no registry itself. A missing program is no
 * error. Takes a second or two, so start it early and await it late.
 */
export async function packageSources(
  log: Log,
  env: NodeJS.ProcessEnv,
  run: Run = programRunner(env),
): Promise<PackageSources> {
  const reports = await Promise.all([npm(run, env), pip(run), apt(run), go(run, env), cargo(env)]);
  const urls = reports.flatMap((report) => report.urls);
  const rules = new Map<string, Rule>();
  for (const url of urls) {
    const rule = ruleOf(url);
    if (rule !== undefined) rules.set(rule.text, rule);
  }
  log.info('package registries found', { rules: [...rules.keys()] });
  return { rules: [...rules.values()], env: Object.assign({}, ...reports.map((report) => report.env)) };
}

async function npm(run: Run, env: NodeJS.ProcessEnv): Promise<Sources> {
  const text = await run('npm', ['config', 'list', '--json']);
  const listed = z.record(z.string(), z.unknown()).safeParse(text === undefined ? undefined : jsonOf(text)).data ?? {};
  const scoped = Object.entries(listed).filter(([key]) => /^@[^:]+:registry$/.test(key));
  const main = listed['registry'] ?? env['npm_config_registry'] ?? env['NPM_CONFIG_REGISTRY'];
  const urls = [main, ...scoped.map(([, value]) => value)].filter((url) => typeof url === 'string');
  const [first] = urls;
  return { urls, env: first === undefined ? {} : envOf('npm_config_registry', first) };
}

/**
 * Prints pip's default index and the host of its files, which is another one. No pip command prints them, so read pip's own
 * constants.
 */
const PIP_DEFAULT = `
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
print("https://" + PyPI.file_storage_domain + "/")
`;

async function pip(run: Run): Promise<Sources> {
  const config = await run('python3', ['-m', 'pip', 'config', 'list']);
  if (config === undefined) return NO_SOURCES;
  const value = (name: string): string[] => {
    const lines = [...config.matchAll(/^([^\s=]+)\.([a-z-]+)='(.*)'$/gm)].filter(([, , key]) => key === name);
    // Precedence: the environment, then the command's own section, then the global one.
    const byPrecedence = [':env:', 'install', 'global'].map((section) => lines.find(([, one]) => one === section));
    const text = (byPrecedence.find((line) => line !== undefined) ?? lines[0])?.[3] ?? '';
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

async function apt(run: Run): Promise<Sources> {
  const text = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  return text === undefined ? NO_SOURCES : { urls: text.split('\n'), env: {} };
}

async function go(run: Run, env: NodeJS.ProcessEnv): Promise<Sources> {
  const text = await run('go', ['env', 'GOPROXY', 'GOSUMDB']);
  const [proxy = env['GOPROXY'] ?? '', sums = env['GOSUMDB'] ?? ''] = text?.split('\n') ?? [];
  const urls = proxy.split(/[,|]/).filter((part) => /^https?:/.test(part));
  if (urls.length === 0) return NO_SOURCES;
  // GOSUMDB is `off` or `name[+key] [url]`. Without a URL, the name is the host.
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

/** Reads Cargo's configuration file, because `cargo config` is unstable. */
async function cargo(env: NodeJS.ProcessEnv): Promise<Sources> {
  const home = env['CARGO_HOME'] ?? path.join(env['HOME'] ?? os.homedir(), '.cargo');
  const text = (await readText(path.join(home, 'config.toml'))) ?? (await readText(path.join(home, 'config')));
  if (text === undefined) return NO_SOURCES;
  const { source, registries } = cargoConfig.safeParse(tomlOf(text)).data ?? { source: {}, registries: {} };
  const urls = [
    ...Object.values(source).map((one) => one.registry),
    ...Object.values(registries).map((one) => one.index),
  ];
  return { urls: urls.filter((url) => url !== undefined).map((url) => url.replace(/^sparse\+/, '')), env: {} };
}

/** A rule for a registry's host, and for its port if it is not the default one. */
function ruleOf(text: string): Rule | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return parseRule(url.port === '' ? url.hostname : `${url.hostname}:${url.port}`);
}

function envOf(name: string, url: string): Record<string, string> {
  return URL.canParse(url) ? { [name]: withoutCredentials(url) } : {};
}

/** The operator's password for a registry must not go into a container. */
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

/** Runs in the root folder, so that only the machine's and the user's settings count, not those of a project. */
function programRunner(env: NodeJS.ProcessEnv): Run {
  return (program, args) =>
    new Promise((resolve) => {
      const child = execFile(program, args, { cwd: '/', env, timeout: PROGRAM_MS }, (error, stdout) => {
        process.off('exit', end);
        resolve(error === null ? stdout : undefined);
      });
      // The runner's exit does not wait for the program: end it then.
      const end = () => child.kill('SIGKILL');
      process.once('exit', end);
    });
}
