import * as z from 'zod';

const MOST_SECONDS = 120;

/** Of IPv6, the address is in brackets. */
const address = z
  .string()
  .regex(/^(\[[\da-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, { error: 'must be host:port' })
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  });

const user = z
  .string()
  .regex(/^\d+:\d+$/, { error: 'must be UID:GID' })
  .transform((text) => {
    const [uid = 0, gid = 0] = text.split(':').map(Number);
    return { uid, gid };
  });

const folder = z.string().startsWith('/', { error: 'must be an absolute path' });

/** The porter's environment. Whoever runs the container sets it: no name here reaches the session. */
const porterEnvironment = z.object({
  /** The runner's address for porters. */
  CC_DOCKER_RUNNER_ADDRESS: address,
  /** The authority of the runner's certificate, PEM: the only one that is trusted. */
  CC_DOCKER_RUNNER_CA: z.string().startsWith('-----BEGIN CERTIFICATE-----', { error: 'must be a certificate in PEM' }),
  /** Lets this porter arrive, once. */
  CC_DOCKER_PORTER_TOKEN: z.string().min(1),
  /** The run folder, which the session sees too and cannot write. */
  CC_DOCKER_RUN: folder.default('/run/cc-docker'),
  /** The user of the session's processes. */
  CC_DOCKER_SESSION_USER: user.default({ uid: 1000, gid: 1000 }),
  /** The session's trees, which the porter fetches and saves. Absent: it carries no files. */
  CC_DOCKER_WORKSPACE: folder.optional(),
  CC_DOCKER_CONVERSATION: folder.optional(),
  /** Of the porter's own: the session cannot see it. */
  CC_DOCKER_CACHE: folder.default('/var/tmp/cc-docker-porter'),
  /** From SIGTERM until the container is killed, seconds: the task's stop timeout. */
  CC_DOCKER_STOP_SECONDS: z.coerce.number().int().min(2).max(MOST_SECONDS).default(30),
});

export interface PorterSettings {
  runner: { host: string; port: number };
  ca: string;
  token: string;
  run: string;
  trees: { workspace: string; conversation: string } | undefined;
  cache: string;
  user: { uid: number; gid: number };
  stopMs: number;
}

export function parsePorterSettings(
  environment: Readonly<Record<string, string | undefined>>,
): { ok: true; settings: PorterSettings } | { ok: false; problem: string } {
  const parsed = porterEnvironment.safeParse(environment);
  if (!parsed.success) {
    // Only names and what is wrong: no value, which may be the token.
    const problem = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
    return { ok: false, problem };
  }
  const { data } = parsed;
  return {
    ok: true,
    settings: {
      runner: data.CC_DOCKER_RUNNER_ADDRESS,
      ca: data.CC_DOCKER_RUNNER_CA,
      token: data.CC_DOCKER_PORTER_TOKEN,
      run: data.CC_DOCKER_RUN,
      trees:
        data.CC_DOCKER_WORKSPACE === undefined || data.CC_DOCKER_CONVERSATION === undefined
          ? undefined
          : { workspace: data.CC_DOCKER_WORKSPACE, conversation: data.CC_DOCKER_CONVERSATION },
      cache: data.CC_DOCKER_CACHE,
      user: data.CC_DOCKER_SESSION_USER,
      stopMs: data.CC_DOCKER_STOP_SECONDS * 1000,
    },
  };
}
