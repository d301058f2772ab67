import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where Debian's own packages come from on this machine. */
export interface DebianSource {
  uri: string;
  suites: string[];
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * The Debian archives among the machine's apt sources that serve `release`, its updates or its security fixes; other
 * vendors' repositories are left out, told by their suite and by the key that signs them.
 */
export function debianSources(sourceFiles: string[], release: string): DebianSource[] {
  const wanted = new Set([release, `${release}-updates`, `${release}-security`]);
  return sourceFiles
    .flatMap((text) => (/^URIs:/im.test(text) ? parseDeb822(text) : parseOneLine(text)))
    .filter(({ components, signedBy }) => components.includes('main') && (signedBy === '' || signedBy === KEYRING))
    .map(({ uri, suites }) => ({ uri, suites: suites.filter((suite) => wanted.has(suite)) }))
    .filter(({ suites }) => suites.length > 0);
}

/** The sources as a deb822 file for an image made from them. */
export function renderSources(sources: DebianSource[]): string {
  return sources
    .map(
      ({ uri, suites }) =>
        `Types: deb\nURIs: ${uri}\nSuites: ${suites.join(' ')}\nComponents: main\nSigned-By: ${KEYRING}\n`,
    )
    .join('\n');
}

interface SourceEntry extends DebianSource {
  components: string[];
  signedBy: string;
}

function parseDeb822(text: string): SourceEntry[] {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim() ?? '';
    if (!words(field('Types')).includes('deb') || field('Enabled') === 'no') return [];
    const shared = {
      suites: words(field('Suites')),
      components: words(field('Components')),
      signedBy: field('Signed-By'),
    };
    return words(field('URIs')).map((uri) => ({ uri, ...shared }));
  });
}

function parseOneLine(text: string): SourceEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[(?<options>[^\]]*)\]\s+)?(?<uri>\S+)\s+(?<suite>\S+)\s+(?<components>[^#]+)/.exec(line);
    if (!match?.groups) return [];
    const { options = '', uri = '', suite = '', components = '' } = match.groups;
    const signedBy = /signed-by=(\S+)/i.exec(options)?.[1] ?? '';
    return [{ uri, suites: [suite], components: words(components), signedBy }];
  });
}

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/** The texts of the machine's apt source lists. */
export async function readSourceFiles(): Promise<string[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await readdir(folder)).filter((name) => /\.(list|sources)$/.test(name)).sort();
  const paths = [...names.map((name) => join(folder, name)), '/etc/apt/sources.list'];
  return await Promise.all(paths.map(readIfThere));
}

/** What apt must know on this machine to reach its mirror: proxy, TLS, and whether a frozen mirror may be old. */
export interface AptTransport {
  settings: string;
  /** A bundle of certificate authorities, when one must be trusted beyond those of the package `ca-certificates`. */
  caBundle: string | undefined;
}

/** Reads the machine's own apt configuration; `sources` tell whether TLS matters at all. */
export async function readAptTransport(sources: DebianSource[]): Promise<AptTransport> {
  const { stdout } = await promisify(execFile)('apt-config', ['dump', 'Acquire']);
  const settings = stdout
    .split('\n')
    .filter((line) => /^Acquire::(https?::(?!CaInfo|CaPath)|Check-Valid-Until|Check-Date|Retries)/i.test(line));
  const secure = sources.some(({ uri }) => uri.startsWith('https:'));
  const configured = /^Acquire::https::CaInfo "([^"]+)"/im.exec(stdout)?.[1];
  const caBundle = secure ? await readIfThere(configured ?? '/etc/ssl/certs/ca-certificates.crt') : '';
  return { settings: settings.map((line) => `${line}\n`).join(''), caBundle: caBundle === '' ? undefined : caBundle };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
