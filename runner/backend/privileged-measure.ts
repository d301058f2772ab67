import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { sumOf, type Measure } from '../lib/disk/usage.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { withHelper } from './helper-container.ts';

const MB = 1024 * 1024;
const at = (index: number) => `/measured/${index}`;
/** Bytes first, then files: see `runner/lib/disk/usage.ts`. `du` exits with 1 when a file goes meanwhile. */
const MEASURE = 'du -skx -- "$@"; du -sx --inodes -- "$@"; true';

/**
 * Measures files in a container that is made for it: its root may read everything in these folders and do nothing else, not
 * even write. For a runner that is not root, on a machine whose kernel gives users no namespaces. It takes half a second, and
 * measurements run one after the other.
 *
 * @param image the session image: it has `du`
 */
export function privilegedMeasure(docker: Docker, { image, runnerId }: { image: string; runnerId: string }): Measure {
  const turns = new Semaphore(1);
  return (folders, signal) => turns.run(() => measure(docker, { image, runnerId, folders, signal }));
}

async function measure(
  docker: Docker,
  {
    image,
    runnerId,
    folders,
    signal,
  }: { image: string; runnerId: string; folders: readonly string[]; signal: AbortSignal | undefined },
): ReturnType<Measure> {
  signal?.throwIfAborted();
  const abort = signal && { abortSignal: signal };
  const options = {
    Image: image,
    Entrypoint: ['sh', '-c', MEASURE, 'measure'],
    Cmd: folders.map((_, index) => at(index)),
    User: '0:0',
    WorkingDir: '/',
    Env: ['LC_ALL=C'],
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      CapAdd: ['DAC_READ_SEARCH'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      PidsLimit: 16,
      Memory: 256 * MB,
      MemorySwap: 256 * MB,
      LogConfig: { Type: 'none', Config: {} },
      Mounts: folders.map((Source, index) => ({ Type: 'bind' as const, Source, Target: at(index), ReadOnly: true })),
    },
    ...abort,
  };
  return await withHelper(docker, { job: 'measure', runnerId, options }, async (container) => {
    const attached = await container.attach({ stream: true, stdout: true, ...abort });
    const output = new PassThrough();
    container.modem.demuxStream(attached, output, output);
    attached.once('end', () => output.end());
    attached.once('error', (error) => output.destroy(error));
    const [said] = await Promise.all([text(output), container.start({ ...abort })]);
    const lines = said.split('\n').filter((line) => line !== '');
    const bytes = sumOf(lines.slice(0, folders.length).join('\n'), folders.length) * 1024;
    return { bytes, files: sumOf(lines.slice(folders.length).join('\n'), folders.length) };
  });
}
