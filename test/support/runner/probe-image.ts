import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { FAKE_WRAPPER } from './fake-wrapper-bundle.ts';
import { scratch } from '../scratch.ts';

/** The session image with the fake wrapper in the real one's place, under another name. */
export async function makeProbeImage(docker: Docker, base: string, tag: string): Promise<string> {
  const folder = scratch();
  copyFileSync(FAKE_WRAPPER, path.join(folder, 'fake-wrapper.mjs'));
  const tar = execFile('tar', ['-C', folder, '-c', 'fake-wrapper.mjs'], {
    encoding: 'buffer',
    maxBuffer: 10 * 1024 * 1024,
  });
  const chunks: Buffer[] = [];
  tar.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(tar, 'close');
  const container = await docker.createContainer({ Image: base });
  try {
    await container.putArchive(Buffer.concat(chunks), { path: '/opt' });
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
