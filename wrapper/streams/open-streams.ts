import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { SessionPorts } from '../ports/session-ports.ts';
import type { LazyTerminals } from '../terminal/lazy-terminals.ts';
import { portStreams } from './port-stream.ts';
import { Streams } from './streams.ts';

/** All kinds of streams that this container has. */
export function openStreams(path: string, launch: WrapperLaunch, terminals: LazyTerminals): Streams {
  const ports = new SessionPorts(launch);
  return new Streams(path, { port: portStreams((port) => ports.mayReach(port)), terminal: terminals.open });
}
