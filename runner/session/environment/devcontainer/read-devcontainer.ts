import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { LaunchEnvironment } from '../../../../protocol/link/environment/environment.ts';
import type { Launch } from '../../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import { parseFile } from '../../../devcontainer/parse.ts';
import { translate } from '../../../devcontainer/translate.ts';
import { gitLaunch } from '../../container/git-config.ts';
import type { EgressPlan } from '../../container/session-egress.ts';
import { clonedRepositories } from '../../../../protocol/link/wrapper/wrapper-launch.ts';
import { buildFailure, type BuildEnd } from '../builds/failure.ts';
import type { EnvironmentImages, ImageRequest } from '../environment-images.ts';
import { OUTPUT_BYTES, readOutput, readScript, type ReadFile, type Source } from './read-script.ts';

/** A small file of one commit, and what git needs for that. */
const LIMITS = { timeoutSeconds: 120, imageMb: 512 };
/** A session that waits says so again after this time, milliseconds. */
const AGAIN_MS = 20_000;

export interface ReadInput {
  readonly launch: Launch;
  readonly environment: LaunchEnvironment;
  readonly plan: Pick<EgressPlan, 'wire'>;
  /** The container's workspace, home and `PATH`. */
  readonly layout: { readonly workspace: string; readonly home: string; readonly path: string };
}

export type ReadEnvironment = { ok: true; environment: LaunchEnvironment } | { ok: false; reason: Reason };

/**
 * Completes an environment that the repository describes: reads its `devcontainer.json`, in a container as sealed as that of a
 * build, with the session's own network policy and secrets, and tells the session what it comes down to.
 */
export async function readDevcontainer(
  images: Pick<EnvironmentImages, 'run'>,
  input: ReadInput,
  request: ImageRequest,
): Promise<ReadEnvironment> {
  const { launch, environment, plan, layout } = input;
  const git = gitLaunch(launch, plan);
  const [repository] = git === undefined ? [] : clonedRepositories(git);
  if (repository === undefined) return failed('The session has no repository that could describe its environment.');
  const read = await readFile(images, environment, repository, request);
  if (!read.ok) return read;
  const { commit, file } = read;
  if (file === null)
    return failed(`${repository.repo} has neither .devcontainer/devcontainer.json nor .devcontainer.json.`);
  const parsed = parseFile(file.text);
  if (!parsed.ok) return failed(`${file.path} of ${repository.repo} ${parsed.why}.`);
  const { image, setup, env, remote_env, commands, ports, unsupported } = translate(parsed.file, {
    allowedImages: environment.allowed_images,
    folder: path.posix.join(layout.workspace, repository.path),
    env: { PATH: layout.path, HOME: layout.home },
    sessionEnv: launch.config.env ?? {},
  });
  const devcontainer = { file: file.path, folder: repository.path, remote_env, commands: mutable(commands) };
  const built = { ...(image !== undefined && { image }), ...(setup !== undefined && { setup }), env };
  request.notify([
    {
      host_notice: 'devcontainer',
      repo: repository.repo,
      commit,
      ...built,
      devcontainer,
      ports: [...ports],
      unsupported: [...unsupported],
    },
  ]);
  return { ok: true, environment: { ...environment, ...built, devcontainer } };
}

const mutable = (commands: readonly { readonly name: string; readonly argv: readonly string[] }[]) =>
  commands.map(({ name, argv }) => ({ name, argv: [...argv] }));

async function readFile(
  images: Pick<EnvironmentImages, 'run'>,
  environment: LaunchEnvironment,
  source: Source,
  { resources, signal, onWaiting }: ImageRequest,
): Promise<({ ok: true } & ReadFile) | { ok: false; reason: Reason }> {
  const mark = `cc-docker-${randomUUID()}`;
  const chunks: Buffer[] = [];
  let size = 0;
  const onOutput = (bytes: Buffer): void => {
    if (size < OUTPUT_BYTES) chunks.push(bytes);
    size += bytes.length;
  };
  const waiting: Reason = {
    code: 'environment_building',
    detail: `The devcontainer.json of ${source.repo} is being read.`,
  };
  onWaiting(waiting);
  const again = setInterval(() => onWaiting(waiting), AGAIN_MS);
  try {
    const job = { ...environment, setup: readScript(source, mark) };
    const ran = await images.run(job, { resources, signal, onOutput }, LIMITS);
    if (!ran.ok) return ran;
    const { end } = ran;
    const failure = buildFailure(end, { ...LIMITS, files: Number.POSITIVE_INFINITY, resources });
    const detail = `The devcontainer.json of ${source.repo} could not be read. `;
    if (failure !== undefined) {
      const { code, detail: why } = failure.reason;
      return { ok: false, reason: { code, detail: (detail + (ownWords(end) ?? why)).slice(0, 8192) } };
    }
    const read = readOutput(Buffer.concat(chunks).toString('utf8'), mark);
    return read === undefined ? failed(`${detail}Its output was cut short.`) : { ok: true, ...read };
  } finally {
    clearInterval(again);
  }
}

/** What a build calls otherwise: here the operator sets no limits, and git has the last word. */
function ownWords({ timedOut, full, report, output, refused }: BuildEnd): string | undefined {
  if (full !== undefined) return `What git fetched takes more than ${LIMITS.imageMb} MB.`;
  if (timedOut) return `It took longer than ${LIMITS.timeoutSeconds} s.`;
  if (report?.report !== 'setup_failed') return undefined;
  const policy = refused.length === 0 ? '' : `The session’s network policy refused: ${refused.join('; ')}. `;
  return `${policy}${output.trim()}`;
}

const failed = (detail: string): { ok: false; reason: Reason } => ({
  ok: false,
  reason: { code: 'environment_failed', detail: detail.slice(0, 8192) },
});
