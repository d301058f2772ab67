import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ENVIRONMENT_HOME, type BuildLaunch } from '../../../../protocol/link/environment/build-launch.ts';
import type { LaunchEnvironment } from '../../../../protocol/link/environment/environment.ts';
import { isReservedEnv } from '../../../../protocol/settings/agent/agent-env.ts';
import { CONTAINER_LAYOUT, HOSTS_FILE, RESOLVER_FILE } from '../../../backend/container-spec.ts';
import { hostsFile, RESOLVER } from '../../../egress/policy/forward-hosts.ts';
import { caBundleEnv } from '../../../secrets/ca-bundle.ts';
import { CA_FILE, PROXY_SOCKET, TRUST_STORE_FILE } from '../../container/launch-file.ts';
import { JAVA_OPTIONS, javaEnv, PROXY_PORT, proxyEnv } from '../../container/proxy-env.ts';
import { containerAuthorities, type EgressDependencies, type EgressPlan } from '../../container/session-egress.ts';
import { environmentPath, imageEnv } from '../../container/session-image.ts';
import { CAPABILITY_BITS } from './spec.ts';
import type { ImageFacts } from '../image-store.ts';

const APT_FILE = 'apt.conf';

/** apt's own settings stay; these are what a build needs besides. */
const APT = `// The same authorities as for the other tools. apt finds the proxy in the environment, as they do.
Acquire::https::CaInfo "${CONTAINER_LAYOUT.run}/${CA_FILE}";
// A refusal by the proxy is an error. Over https, apt would otherwise take it for a network fault and go on.
APT::Update::Error-Mode "any";
// Nobody is there to answer, and what a crash leaves half done is thrown away.
APT::Get::Assume-Yes "true";
DPkg::Options { "--force-confdef"; "--force-confold"; "--force-unsafe-io"; };
`;

export interface BuildInputs {
  environment: LaunchEnvironment;
  plan: EgressPlan;
  egress: EgressDependencies;
  /** What the build container is made from, and the session image. */
  image: ImageFacts;
  base: ImageFacts;
  ownKernel: boolean;
}

/** What `setup` finds in its environment. What the operator exposes by name comes before the environment's own. */
function setupEnv({ environment, plan, image, base }: Omit<BuildInputs, 'egress' | 'ownKernel'>) {
  const run = CONTAINER_LAYOUT.run;
  const own = Object.entries(environment.env ?? {}).filter(([name]) => !isReservedEnv(name));
  const env: Record<string, string> = {
    ...imageEnv(image, base),
    LANG: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    // What they would keep is of no use in an image.
    PIP_NO_CACHE_DIR: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
    npm_config_cache: '/tmp/.npm',
    ...plan.packageEnv,
    ...plan.forgeEnv,
    ...Object.fromEntries(own),
    ...plan.exposedEnv,
    HOME: ENVIRONMENT_HOME,
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/bash',
    TMPDIR: '/tmp',
    PATH: environmentPath(image, base, ENVIRONMENT_HOME),
    APT_CONFIG: path.join(run, APT_FILE),
    ...proxyEnv(),
    ...caBundleEnv(path.join(run, CA_FILE)),
  };
  return { ...env, ...javaEnv(path.join(run, TRUST_STORE_FILE), env[JAVA_OPTIONS]) };
}

/** Writes what a build container finds in its run folder, which is new. */
export async function writeBuildFolder(run: string, inputs: BuildInputs): Promise<void> {
  const { environment, plan, egress, ownKernel } = inputs;
  const launch: BuildLaunch = {
    env: setupEnv(inputs),
    setup: environment.setup !== undefined,
    egress: {
      socket: path.join(CONTAINER_LAYOUT.run, PROXY_SOCKET),
      proxy_port: PROXY_PORT,
      forwards: [...plan.forwards],
    },
    capabilities: CAPABILITY_BITS,
    ...(ownKernel && { own_kernel: true }),
  };
  const authorities = containerAuthorities(plan.wire.length > 0, egress);
  await mkdir(run, { recursive: true, mode: 0o755 });
  // Whatever the umask is.
  await chmod(run, 0o755);
  const write = async (name: string, content: string | Buffer, mode = 0o644): Promise<void> => {
    const file = path.join(run, name);
    await writeFile(file, content, { flag: 'wx' });
    await chmod(file, mode);
  };
  await Promise.all([
    // Secrets that the operator exposes are in it. Root in the container opens it all the same.
    write('build.json', JSON.stringify(launch), 0o600),
    ...(environment.setup === undefined ? [] : [write('setup', environment.setup.replaceAll('\r\n', '\n'))]),
    write(APT_FILE, APT),
    write(HOSTS_FILE, hostsFile(plan.forwards)),
    write(RESOLVER_FILE, RESOLVER),
    write(CA_FILE, authorities.pem),
    write(TRUST_STORE_FILE, authorities.java),
  ]);
}
