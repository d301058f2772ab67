import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import * as z from 'zod';
import { WRAPPER_FLAGS } from '../../../protocol/link/wrapper/wrapper-flags.ts';
import type { Reason } from '../../../protocol/reason.ts';
import { engineAway, engineProblem } from '../../backend/docker-error.ts';
import { ImageLabel, inspectImage, type ImageFacts, type ImageStore } from './image-store.ts';

/** Where our own Node is in an image that is not ours: it may have another one, which stays what it is. */
const OWN_NODE = '/opt/cc-docker/bin';

/** How the wrapper is started there. */
const ENTRYPOINT = [`${OWN_NODE}/node`, ...WRAPPER_FLAGS, '/opt/cc-docker/wrapper.mjs', '/run/cc-docker/launch.json'];

/** Goes up with each change of the layer. */
const RECIPE = 2;

export type ForeignImage = { ok: true; image: ImageFacts } | { ok: false; reason: Reason };

/** It starts the wrapper: it is made from the session image. */
export const isOurs = ({ entrypoint }: Pick<ImageFacts, 'entrypoint'>) =>
  entrypoint.some((word) => word.endsWith('wrapper.mjs'));

/**
 * The image that an environment names, from the engine or, when it has none of that name, from the image's registry, which the
 * engine asks.
 *
 * @throws when the engine does not answer
 */
export async function foreignImage(
  docker: Docker,
  name: string,
  { base, signal, onPull }: { base: ImageFacts; signal: AbortSignal; onPull: () => void },
): Promise<ForeignImage> {
  let image = await inspectImage(docker, name);
  if (image === undefined) {
    onPull();
    const problem = await pull(docker, name, signal);
    signal.throwIfAborted();
    image = problem === undefined ? await inspectImage(docker, name) : undefined;
    if (image === undefined) {
      const detail = `The image ${name} is not on the runner’s engine, and could not be fetched: ${problem ?? 'it is not there'}`;
      return { ok: false, reason: { code: 'environment_image_missing', detail: detail.slice(0, 2048) } };
    }
  }
  const unfit = unfitFor(image, base);
  if (unfit === undefined) return { ok: true, image };
  return { ok: false, reason: { code: 'environment_image_unfit', detail: `The image ${name} ${unfit}` } };
}

/** Why no environment can be made from it; undefined: one can, as far as the image says. */
function unfitFor(
  image: Pick<ImageFacts, 'os' | 'architecture' | 'volumes' | 'onBuild'>,
  base: Pick<ImageFacts, 'os' | 'architecture'>,
): string | undefined {
  const [is, wanted] = [image, base].map(({ os, architecture }) => `${os}/${architecture}`);
  if (is !== wanted) return `is for ${is}, and this runner’s engine runs ${wanted}.`;
  // A volume would be a folder of the engine's that nothing limits.
  if (image.volumes.length > 0) return `declares volumes (${image.volumes.join(', ')}), which sessions cannot have.`;
  if (image.onBuild.length > 0)
    return 'has ONBUILD instructions: take the image that it is made from, and run them in `setup`.';
  return undefined;
}

/** @returns why it could not be had */
async function pull(docker: Docker, name: string, signal: AbortSignal): Promise<string | undefined> {
  // A name alone would fetch every tag.
  const whole = /[:@][^/]+$/.test(name) ? name : `${name}:latest`;
  try {
    const stream = await docker.pull(whole, { abortSignal: signal });
    let problem: string | undefined;
    for await (const line of jsonLines(stream)) problem ??= z.object({ error: z.string() }).safeParse(line).data?.error;
    return problem;
  } catch (error) {
    if (engineAway(error)) throw error;
    return engineProblem(error);
  }
}

/**
 * The foreign image with what a session needs: Node, Claude Code, the wrapper, the catalogue. It is copied from the session image,
 * and nothing of the foreign one runs meanwhile.
 *
 * @throws when the engine cannot make it
 */
export async function layeredImage(
  docker: Docker,
  store: ImageStore,
  { base, foreign, signal }: { base: ImageFacts; foreign: ImageFacts; signal: AbortSignal },
): Promise<ImageFacts> {
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, base.id, foreign.id]))
    .digest('hex')
    .slice(0, 32);
  const known = await store.find(key);
  if (known !== undefined) return known;
  const files = pack();
  files.entry({ name: 'Dockerfile', mtime: new Date(0) }, dockerfile(base.id, foreign.id));
  files.finalize();
  const context = await buffer(files);
  const labels = { ...store.labels(key), [ImageLabel.bytes]: String(base.size) };
  const answer = await docker.buildImage(Readable.from([context]), {
    t: store.nameOf(key),
    labels,
    networkmode: 'none',
    forcerm: true,
    abortSignal: signal,
  });
  let problem: string | undefined;
  for await (const line of jsonLines(answer)) problem ??= z.object({ error: z.string() }).safeParse(line).data?.error;
  if (problem !== undefined) throw new Error(`CC-Docker’s programs could not be added to the image: ${problem}`);
  const made = await store.find(key);
  if (made === undefined) throw new Error('the engine does not have the image that it has made');
  return made;
}

function dockerfile(base: string, foreign: string): string {
  return [
    `FROM ${base} AS ours`,
    `FROM ${foreign}`,
    `COPY --from=ours /usr/local/bin/node ${OWN_NODE}/node`,
    'COPY --from=ours /usr/local/bin/claude /usr/local/bin/claude',
    'COPY --from=ours /opt/cc-docker /opt/cc-docker',
    'USER 0:0',
    'WORKDIR /workspace',
    'HEALTHCHECK NONE',
    `ENTRYPOINT ${JSON.stringify(ENTRYPOINT)}`,
    'CMD []',
    '',
  ].join('\n');
}

async function* jsonLines(stream: NodeJS.ReadableStream): AsyncGenerator {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
  }
}
