import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { hasImage } from '../../../container/build/build-image.ts';
import { engineError } from '../../../container/build/engine-stream.ts';
import { BASE_IMAGE, cacheFolder, exists, tarballName } from './base-image.ts';

/**
 * The engine's layer cache of one run, for the next one, whose engine is new: the stand-in base, and the layer that the
 * Dockerfile's packages make on it. They are the same until the Dockerfile, the base or the month is another one.
 */
const DOCKERFILE = join(import.meta.dirname, '../../../container/Dockerfile');
const PREFIX = 'layers-';

async function tarball(): Promise<string> {
  const month = new Date().toISOString().slice(0, 7);
  const hash = createHash('sha256').update(
    JSON.stringify([await tarballName(), await readFile(DOCKERFILE, 'utf8'), month]),
  );
  return join(cacheFolder(), `${PREFIX}${hash.digest('hex').slice(0, 12)}.tar`);
}

/** Gives an engine without the base what an earlier run kept, if there is any. */
export async function loadLayers(docker: Docker): Promise<void> {
  if (await hasImage(docker, BASE_IMAGE)) return;
  const kept = await tarball();
  if (!(await exists(kept))) return;
  const error = await engineError(await docker.loadImage(createReadStream(kept)));
  if (error !== undefined) throw new Error(`the engine did not take the layers in ${kept}: ${error}`);
}

/** Keeps the base and the layer above it in the session image, in the place of what other runs kept. */
export async function keepLayers(docker: Docker, sessionImage: string): Promise<void> {
  const kept = await tarball();
  if (await exists(kept)) return;
  const base = (await docker.getImage(BASE_IMAGE).inspect()).Id;
  const history: { Id: string }[] = await docker.getImage(sessionImage).history();
  const layer = history[history.findIndex(({ Id }) => Id === base) - 1]?.Id;
  // Built elsewhere: the engine knows none of its steps.
  if (layer === undefined || layer === '<missing>') return;
  const folder = dirname(kept);
  await mkdir(folder, { recursive: true });
  const part = `${kept}.${process.pid}`;
  try {
    await pipeline(await save(docker, [BASE_IMAGE, layer]), createWriteStream(part));
    for (const name of await readdir(folder))
      if (name.startsWith(PREFIX) && name.endsWith('.tar')) await rm(join(folder, name));
    await rename(part, kept);
  } finally {
    await rm(part, { force: true });
  }
}

/** As `docker save` of several images, which keeps that one is made on the other: by that the builder finds it. */
function save(docker: Docker, names: string[]): Promise<NodeJS.ReadableStream> {
  const request = {
    path: '/images/get?',
    method: 'GET',
    options: { names },
    isStream: true,
    statusCodes: { 200: true },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, tar) => {
      if (tar instanceof IncomingMessage) resolve(tar);
      else reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}
