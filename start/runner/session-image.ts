import { ensureImage, imageTag } from '../../container/build/build-image.ts';
import { engineClient, type Engine } from './engine.ts';
import type { Environment } from '../settings/settings.ts';

export interface SessionImageRequest {
  env: Environment;
  engine: Engine;
  wrapperBundle: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

/**
 * The image that sessions run in: the operator's `SESSION_IMAGE`, or the project's own, built when the engine has none. When
 * it cannot be built, the service starts anyway, and its sessions fail with `image_missing`.
 */
export async function sessionImage({ env, engine, wrapperBundle, say, signal }: SessionImageRequest): Promise<string> {
  if (env['SESSION_IMAGE']) return env['SESSION_IMAGE'];
  const tag = await imageTag(wrapperBundle);
  if (!engine.answers) {
    say(`No Docker engine answers: ${engine.detail}. Start Docker and run \`npm start\` again.`);
    return tag;
  }
  const image = await ensureImage({
    docker: await engineClient(),
    wrapper: wrapperBundle,
    onProgress: progress(say, tag),
    signal,
  });
  if (image.ok) return image.tag;
  say(`The image ${tag} is missing. ${image.detail}`);
  say('Sessions answer image_missing until `npm run image` has built it; RUNNER_BACKEND=process needs none.');
  return tag;
}

/** Prints a heading before the first line. */
function progress(say: (line: string) => void, tag: string): (line: string) => void {
  let begun = false;
  return (line) => {
    if (!begun) say(`Building the image ${tag} for sessions. The first time takes minutes.`);
    begun = true;
    say(`  ${line}`);
  };
}
