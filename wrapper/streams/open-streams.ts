import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import { portStreams } from './port-stream.ts';
import { Streams } from './streams.ts';

/** All kinds of streams that this container has. */
export function openStreams(path: string, launch: WrapperLaunch): Streams {
  // Without a seal, loopback is the machine's own.
  return new Streams(path, { port: portStreams(() => launch.seal) });
}
