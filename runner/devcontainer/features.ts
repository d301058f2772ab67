import * as z from 'zod';
import type { DevcontainerFile } from './parse.ts';
import type { UnsupportedList } from './unsupported.ts';

/** Where the features are that many repositories name. What they do comes down to packages, and is done by the lines below. */
const COLLECTION = /^ghcr\.io\/devcontainers\/features\/([a-z0-9-]+)(?:[:@][A-Za-z0-9.:_-]+)?$/;

const NO_ENGINE = 'a session has no container engine, and nothing in it can start containers';

/** Why features are refused that would take more than packages. */
const REFUSED: Readonly<Record<string, string>> = {
  'docker-in-docker': NO_ENGINE,
  'docker-outside-of-docker': NO_ENGINE,
  'kubectl-helm-minikube': NO_ENGINE,
  sshd: 'nothing reaches a session from outside: use its terminal',
  'desktop-lite': 'a session has no desktop',
  'nvidia-cuda': 'a session has no GPU',
};

type Options = Readonly<Record<string, unknown>>;
/** The lines that install a feature; null: its options ask for what these cannot do. */
type Install = (version: string, options: Options) => string[] | null;

/** Words for "whatever is there", in place of a version. */
const ANY = new Set(['', 'latest', 'lts', 'os-provided', 'system', 'default']);
const NONE = 'none';

const unless = (program: string, ...lines: string[]) => [`if ! command -v ${program} >/dev/null; then`, ...lines, 'fi'];

/** In the order in which they are installed, whatever the order in the file. */
const INSTALLS: Readonly<Record<string, Install>> = {
  'common-utils': (_version, { installZsh }) => [
    'cc_install bash-completion ca-certificates curl git jq less lsof openssh-client procps rsync sudo tree unzip vim-tiny wget xz-utils zip',
    ...(installZsh === true ? ['cc_install zsh'] : []),
  ],
  git: (version) => (ANY.has(version) ? unless('git', 'cc_install git') : null),
  'git-lfs': (version) => (ANY.has(version) ? unless('git-lfs', 'cc_install git-lfs') : null),
  'github-cli': (version) => (ANY.has(version) ? unless('gh', 'cc_install gh') : null),
  node: (version) => [
    ...unless('npm', 'cc_install nodejs npm'),
    // Into the home of `setup`, which comes before the system in a session's PATH. The system's Node is CC-Docker's own.
    ...(version === NONE || ANY.has(version) ? [] : [`npm install --global --prefix "$HOME/.local" node@${version}`]),
  ],
  python: (version) => [
    ...unless('pip3', 'cc_install python3 python3-pip python3-venv'),
    ...(version === NONE || ANY.has(version) || version === '3'
      ? []
      : [
          'python3 -m venv /opt/uv && /opt/uv/bin/pip install uv',
          `/opt/uv/bin/uv python install --preview --default ${version}`,
        ]),
  ],
  go: (version) => [
    ...unless('curl', 'cc_install ca-certificates curl'),
    version === NONE || ANY.has(version)
      ? `cc_go="$(curl -fsSL 'https://go.dev/VERSION?m=text' | head -n 1)"`
      : `cc_go='go${version}'`,
    'curl -fsSL "https://go.dev/dl/$cc_go.linux-$(dpkg --print-architecture).tar.gz" | tar -xz -C /usr/local',
    'ln -sf /usr/local/go/bin/go /usr/local/go/bin/gofmt /usr/local/bin/',
  ],
  rust: (version, { profile }) => [
    ...unless('cc', 'cc_install build-essential'),
    ...unless('curl', 'cc_install ca-certificates curl'),
    `curl -fsSL https://sh.rustup.rs | sh -s -- -y --no-modify-path --profile ${profile === 'default' ? 'default' : 'minimal'} --default-toolchain ${ANY.has(version) ? 'stable' : version}`,
  ],
  java: (version) => [
    ANY.has(version) ? 'cc_install default-jdk-headless' : `cc_install openjdk-${version}-jdk-headless`,
  ],
  ruby: (version) => (ANY.has(version) ? ['cc_install ruby-full'] : null),
  php: (version) => (ANY.has(version) ? ['cc_install php-cli composer'] : null),
};

const HEADER = [
  'if ! command -v apt-get >/dev/null; then',
  '  echo "The features of a devcontainer.json are installed with apt: take an image on Debian or Ubuntu." >&2',
  '  exit 1',
  'fi',
  'cc_updated=',
  'cc_install() {',
  '  if [ -z "$cc_updated" ]; then apt-get update; cc_updated=1; fi',
  '  apt-get install -y --no-install-recommends "$@"',
  '}',
];

/** The script that installs the features of a file; null: there is nothing to install. Other features are named. */
export function featureSetup(file: DevcontainerFile, unsupported: UnsupportedList): string | null {
  const given = z.record(z.string(), z.unknown()).safeParse(file['features'] ?? {});
  if (!given.success) {
    unsupported.add('features', 'must be an object of features');
    return null;
  }
  const chosen = new Map<string, string[]>();
  for (const [id, options] of Object.entries(given.data)) {
    const lines = linesOf(id, options);
    if (typeof lines === 'string') unsupported.add(`features: ${id}`, lines);
    else if (lines.length > 0) chosen.set(COLLECTION.exec(id)?.[1] ?? id, lines);
  }
  if (chosen.size === 0) return null;
  const ordered = Object.keys(INSTALLS).flatMap((name) => {
    const lines = chosen.get(name);
    return lines === undefined ? [] : [`# ${name}`, ...lines];
  });
  return [...HEADER, ...ordered, ''].join('\n');
}

/** The lines of a feature; or why there are none. */
function linesOf(id: string, given: unknown): string[] | string {
  const name = COLLECTION.exec(id)?.[1];
  if (name === undefined)
    return 'only features of ghcr.io/devcontainers/features are installed: put the others into an environment’s setup';
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (refused !== undefined) return refused;
  const install = Object.hasOwn(INSTALLS, name) ? INSTALLS[name] : undefined;
  if (install === undefined)
    return 'this feature is not among those that are installed: put it into an environment’s setup';
  const options = optionsOf(given);
  if (options === null) return 'must be an object of options, or a version';
  const { version: named = '' } = options;
  if (typeof named !== 'string' && typeof named !== 'number') return 'must be an object of options, or a version';
  const version = String(named);
  // It becomes a part of a script.
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/.test(version) && version !== '')
    return `has no version that could be "${version}"`;
  return install(version, options) ?? `is installed as the system has it, not as version ${version}`;
}

function optionsOf(given: unknown): Options | null {
  if (typeof given === 'string') return { version: given };
  if (typeof given === 'boolean') return {};
  const parsed = z.record(z.string(), z.unknown()).safeParse(given);
  return parsed.success ? parsed.data : null;
}
