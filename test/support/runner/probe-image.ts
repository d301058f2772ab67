import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { PORTER_BUNDLE } from '../../../scripts/bundle.ts';
import { FAKE_WRAPPER } from './fake-wrapper-bundle.ts';

/** The session image with the fake wrapper in the real one's place and the porter, under another name. */
export async function makeProbeImage(docker: Docker, base: string, tag: string): Promise<string> {
  const files = pack();
  files.entry({ name: 'fake-wrapper.mjs' }, await readFile(FAKE_WRAPPER));
  files.entry({ name: 'cc-docker/porter.mjs' }, await readFile(PORTER_BUNDLE));
  files.finalize();
  const archive = await buffer(files);
  const container = await docker.createContainer({ Image: base });
  try {
    await container.putArchive(archive, { path: '/opt' });
    await container.commit({
      repo: 'cc-docker-test/probe',
      tag,
      changes: 'ENTRYPOINT ["node","/opt/fake-wrapper.mjs","/run/cc-docker/launch.json"]',
    });
  } finally {
    await container.remove({ force: true });
  }
  return `cc-docker-test/probe:${tag}`;
}
