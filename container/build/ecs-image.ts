import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

const NAME = 'cc-docker/session-ecs';

/**
 * The session image with the porter, under a name of its own: for tasks of ECS, where both are containers of one image. The
 * same parts give the same name.
 *
 * @param base the session image, which the engine has
 * @param porter the bundled porter, a file
 * @returns its name
 */
export async function ensureEcsImage(docker: Docker, base: string, porter: string): Promise<string> {
  const program = await readFile(porter);
  const { Id } = await docker.getImage(base).inspect();
  const tag = createHash('sha256').update(Id).update(program).digest('hex').slice(0, 12);
  const files = pack();
  files.entry({ name: 'cc-docker/porter.mjs', mtime: new Date(0) }, program);
  files.finalize();
  const archive = await buffer(files);
  const container = await docker.createContainer({ Image: base });
  try {
    await container.putArchive(archive, { path: '/opt' });
    await container.commit({ repo: NAME, tag });
  } finally {
    await container.remove({ force: true });
  }
  return `${NAME}:${tag}`;
}
